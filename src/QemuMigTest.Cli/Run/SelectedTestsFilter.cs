using NUnit.Framework.Interfaces;

namespace QemuMigTest.Cli.Run;

/// <summary>Lets NUnit run the selected tests and no other.</summary>
internal sealed class SelectedTestsFilter : ITestFilter
{
    private readonly HashSet<ITest> _selected = [];

    public SelectedTestsFilter(IEnumerable<SuiteTest> tests)
    {
        foreach (var test in tests)
        {
            for (var node = test.Test; node is not null; node = node.Parent)
                _selected.Add(node);
        }
    }

    /// <inheritdoc/>
    public bool Pass(ITest test) => _selected.Contains(test);

    /// <inheritdoc/>
    public bool IsExplicitMatch(ITest test) => _selected.Contains(test);

    /// <inheritdoc/>
    public TNode ToXml(bool recursive) => AddToXml(new TNode("dummy"), recursive);

    /// <inheritdoc/>
    public TNode AddToXml(TNode parentNode, bool recursive) => parentNode.AddElement("filter");
}
