using QemuMigTest.Cli;

return await Application.RunAsync(args);
