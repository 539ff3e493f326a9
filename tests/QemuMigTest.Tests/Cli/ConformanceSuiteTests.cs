using System.Reflection;
using System.Runtime.CompilerServices;
using NUnit.Framework;
using QemuMigTest.Cli.Catalogue;
using QemuMigTest.Cli.Run;
using QemuMigTest.NUnit;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

public sealed class ConformanceSuiteTests
{
    private static readonly MethodInfo[] Methods =
        [.. Assembly.Load("QemuMigTest.Conformance").GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))];

    [Test]
    public void Each_path_belongs_to_one_test() =>
        Methods.SelectMany(method => method.GetCustomAttributes<MigrationTestAttribute>())
            .Select(attribute => attribute.Path)
            .GroupBy(path => path)
            .Where(group => group.Count() > 1)
            .Select(group => group.Key)
            .ShouldBeEmpty();

    [Test]
    public void Each_path_is_a_good_one() =>
        Methods.SelectMany(method => method.GetCustomAttributes<MigrationTestAttribute>())
            .Select(attribute => TestPath.Problem(attribute.Path))
            .OfType<string>()
            .ShouldBeEmpty();

    // NUnit's test parameters, which loading sets, are the process's.
    [Test, NonParallelizable]
    public void The_command_knows_no_test_without_a_path()
    {
        var drills = Methods.Where(IsDrill).Select(method => $"{method.DeclaringType}.{method.Name}").ToList();
        drills.ShouldNotBeEmpty();
        var known = SuiteCatalog.Load(Assembly.Load("QemuMigTest.Conformance"), new Dictionary<string, string>(), jobs: 1).Tests;
        known.Select(test => test.Method).Intersect(drills).ShouldBeEmpty();
        known.ShouldAllBe(test => test.Path.StartsWith('/'));
    }

    [Test]
    public void Each_test_but_the_drills_has_a_path() =>
        Methods.Where(method => method.IsDefined(typeof(TestAttribute)) || method.IsDefined(typeof(TestCaseAttribute)))
            .Where(method => !IsDrill(method))
            .Select(method => $"{method.DeclaringType}.{method.Name}")
            .ShouldBeEmpty();

    [Test, NonParallelizable]
    public void Each_test_is_written_in_the_file_that_the_catalogue_leads_to()
    {
        var project = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../.."));
        foreach (var test in SuiteCatalog.Load(Assembly.Load("QemuMigTest.Conformance"), new Dictionary<string, string>(), jobs: 1).Tests)
        {
            var file = Path.Combine(project, SourceFile.Of(test).ShouldNotBeNull());
            File.Exists(file).ShouldBeTrue($"{test.Method}: {file}");
            File.ReadAllText(file).ShouldContain($" {test.Method[(test.Method.LastIndexOf('.') + 1)..]}(");
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static bool IsDrill(MethodInfo method) => method.DeclaringType!.Namespace == "QemuMigTest.Conformance.Drills"
        && (method.IsDefined(typeof(TestAttribute)) || method.IsDefined(typeof(TestCaseAttribute)));
}
