using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace QemuMigTest.Conformance.Drills;

/// <summary>A drill's time limit: its <see cref="CancellationToken"/> fires after 60 s times the <see cref="TimeoutScale"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DrillLimitAttribute() : CancelAfterAttribute(Milliseconds), IApplyToTest
{
    private const int Milliseconds = 60_000;

    void IApplyToTest.ApplyToTest(Test test)
    {
        test.Properties.Set(PropertyNames.UseCancellation, true);
        try
        {
            test.Properties.Set(PropertyNames.Timeout, (int)Math.Clamp(Milliseconds * TimeoutScale.Read(), 1, int.MaxValue));
        }
        catch (FormatException e)
        {
            test.MakeInvalid(e.Message);
        }
    }
}
