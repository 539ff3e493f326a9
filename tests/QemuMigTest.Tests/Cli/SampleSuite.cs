using System.Collections.Concurrent;
using System.Reflection;
using System.Reflection.Emit;
using NUnit.Framework;

namespace QemuMigTest.Tests.Cli;

/// <summary>Makes assemblies of fixtures that NUnit does not find in this one, because they are abstract here.</summary>
internal static class SampleSuite
{
    private static readonly ConcurrentDictionary<string, Action> OnWait = new();

    /// <summary>An assembly with a fixture for each of these classes; its tests may all run at a time.</summary>
    public static Assembly Of(params Type[] abstractFixtures)
    {
        var assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Samples"), AssemblyBuilderAccess.Run);
        assembly.SetCustomAttribute(new CustomAttributeBuilder(
            typeof(ParallelizableAttribute).GetConstructor([typeof(ParallelScope)])!, [ParallelScope.All]));
        var module = assembly.DefineDynamicModule("Samples");
        foreach (var fixture in abstractFixtures)
            module.DefineType($"Samples.{fixture.Name}", TypeAttributes.Public | TypeAttributes.Class, fixture).CreateType();
        return assembly;
    }

    /// <summary>What happens when <c>/sample/waits</c> begins in a run with this results folder.</summary>
    public static void WhenWaitBegins(string results, Action action) => OnWait[results] = action;

    /// <summary>Called by the sample.</summary>
    public static void WaitBegins(string results)
    {
        if (OnWait.TryGetValue(results, out var action))
            action();
    }
}
