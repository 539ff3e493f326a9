global using NUnit.Framework;
global using QemuMigTest.Migration;
global using QemuMigTest.Migration.Channels;
global using QemuMigTest.NUnit;
global using QemuMigTest.NUnit.Requirements;
global using Shouldly;
