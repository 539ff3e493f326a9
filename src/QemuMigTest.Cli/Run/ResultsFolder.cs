using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>The folder that a run writes to.</summary>
internal static class ResultsFolder
{
    /// <summary>Makes the folder and proves that it can be written to.</summary>
    /// <exception cref="UsageException">It can not be made or written to.</exception>
    public static void Prepare(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var probe = Path.Combine(folder, $".probe.{Environment.ProcessId}.tmp");
            try
            {
                File.WriteAllText(probe, "This file shows that the folder can be written to.\n");
            }
            finally
            {
                // A full disk takes the file, and not what is in it.
                File.Delete(probe);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The results folder {folder} can not be written to: {e.Message.TrimEnd('.')}. Choose another with --results DIR.");
        }
    }

    /// <summary>The record that is there from an earlier run on the same QEMUs, or null.</summary>
    public static RunRecord? ComparableRecord(string folder, SuiteEnvironment environment)
    {
        RunRecord record;
        try
        {
            record = RunRecord.Load(Path.Combine(folder, RunRecord.FileName));
        }
        catch (RunRecordException)
        {
            // It only serves to estimate, and this run replaces it.
            return null;
        }
        var same = record.Source == environment.Source
            && record.Destination == environment.Destination
            && record.Accelerator == environment.Accelerator;
        return same ? record : null;
    }
}
