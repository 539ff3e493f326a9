using System.Reflection;
using NUnit.Framework;
using QemuMigTest.NUnit;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

public sealed class ConformanceSuiteTests
{
    private static readonly MethodInfo[] Methods =
        [.. Assembly.Load("QemuMigTest.Conformance").GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))];

    [Test]
    public void Each_path_belongs_to_one_test() =>
        Methods.Select(method => method.GetCustomAttribute<MigrationTestAttribute>()?.Path)
            .OfType<string>()
            .GroupBy(path => path)
            .Where(group => group.Count() > 1)
            .Select(group => group.Key)
            .ShouldBeEmpty();

    [Test]
    public void Each_path_is_a_good_one() =>
        Methods.Select(method => method.GetCustomAttribute<MigrationTestAttribute>())
            .OfType<MigrationTestAttribute>()
            .Select(attribute => TestPath.Problem(attribute.Path))
            .OfType<string>()
            .ShouldBeEmpty();

    [Test]
    public void Each_test_has_a_path() =>
        Methods.Where(method => method.IsDefined(typeof(TestAttribute)) || method.IsDefined(typeof(TestCaseAttribute)))
            .Select(method => $"{method.DeclaringType}.{method.Name}")
            .ShouldBeEmpty();
}
