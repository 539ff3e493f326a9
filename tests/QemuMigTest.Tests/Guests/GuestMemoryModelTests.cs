using FsCheck;
using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

#pragma warning disable NUnit1027 // FsCheck makes the arguments of a property.

namespace QemuMigTest.Tests.Guests;

public class GuestMemoryModelTests
{
    [FsCheck.NUnit.Property]
    public void The_memory_of_a_guest_is_intact_at_any_pass_and_page(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);

        var check = guest.Model.Check(guest.Region, guest.State);

        check.IsIntact.ShouldBeTrue(check.Describe());
        check.PagesChecked.ShouldBe(guest.Region.Length / 4096);
    }

    [FsCheck.NUnit.Property]
    public void What_is_expected_is_what_a_guest_makes(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var expected = new byte[guest.Region.Length];

        guest.Model.FillExpected(expected, guest.State);

        expected.ShouldBe(guest.Region);
    }

    [FsCheck.NUnit.Property]
    public void A_flipped_bit_is_found_wherever_it_is(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var at = guest.Random.Next(guest.Region.Length);
        guest.Region[at] ^= (byte)(1 << guest.Random.Next(8));

        var check = guest.Model.Check(guest.Region, guest.State);

        check.DamagedPages.ShouldBe(1);
        check.DamagedBytes.ShouldBe(1);
        var damage = check.Damage.ShouldHaveSingleItem();
        (damage.Address + damage.FirstOffset).ShouldBe(guest.Settings.RegionStart + at);
        damage.LastOffset.ShouldBe(damage.FirstOffset);
        damage.BitCount.ShouldBe(1);
        damage.Seen.Span[0].ShouldBe(guest.Region[at]);
        if (damage.FirstOffset >= 256)
            damage.Kind.ShouldBe(DamageKind.BitFlip);
    }

    [FsCheck.NUnit.Property]
    public void Any_bytes_that_are_changed_are_counted(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var changed = Enumerable.Range(0, guest.Random.Next(1, 200)).Select(_ => guest.Random.Next(guest.Region.Length)).ToHashSet();
        foreach (var at in changed)
            guest.Region[at] += (byte)guest.Random.Next(1, 256);

        var check = guest.Model.Check(guest.Region, guest.State);

        check.DamagedBytes.ShouldBe(changed.Count);
        check.DamagedPages.ShouldBe(changed.Select(at => at / 4096).Distinct().Count());
    }

    [FsCheck.NUnit.Property]
    public void A_guest_one_step_on_is_not_taken_for_this_one(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var other = guest.State with { PageIncremented = !guest.State.PageIncremented };

        guest.Model.Check(guest.Region, other).DamagedBytes.ShouldBe(1);
        guest.Model.Check(guest.Region, guest.State with { Pass = guest.State.Pass + 1 }).DamagedPages.ShouldBe(guest.DirtyPages.Count);
    }

    [FsCheck.NUnit.Property]
    public void What_the_framework_writes_is_expected_from_then_on(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var model = guest.Model;
        for (var i = guest.Random.Next(1, 4); i > 0; i--)
        {
            // Beside the counters and up to the page's end, where the next page may have counters.
            var offset = guest.Random.Next(256, 4096);
            var page = guest.Settings.RegionStart + ((uint)guest.Random.Next(guest.Region.Length / 4096) * 4096u);
            var bytes = new byte[guest.Random.Next(1, 4096 - offset + 1)];
            guest.Random.NextBytes(bytes);
            bytes.CopyTo(guest.Page(page)[offset..]);
            model = model.WithWritten(page + (uint)offset, bytes);
        }
        var expected = new byte[guest.Region.Length];
        model.FillExpected(expected, guest.State);

        expected.ShouldBe(guest.Region);
        model.Check(guest.Region, guest.State).IsIntact.ShouldBeTrue();
        var at = guest.Random.Next(guest.Region.Length);
        guest.Region[at] ^= 0x10;
        model.Check(guest.Region, guest.State).DamagedBytes.ShouldBe(1);
    }

    [Test]
    public void Writing_makes_another_model_and_leaves_this_one()
    {
        var guest = new GuestCase(1);
        var address = guest.Settings.RegionStart + 0x800;

        var written = guest.Model.WithWritten(address, new byte[] { 0xee });

        guest.Model.Check(guest.Region, guest.State).IsIntact.ShouldBeTrue();
        written.Check(guest.Region, guest.State).DamagedBytes.ShouldBe(1);
    }

    [Test]
    public void Writing_may_go_over_pages_that_the_guest_does_not_dirty()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x10_4000, PageStride = 0x4000 };
        var guest = new NaiveGuest(settings);
        guest.RunPasses(3);
        var bytes = Enumerable.Range(0, 0x2100).Select(i => (byte)i).ToArray();
        bytes.CopyTo(guest.Region, 0xf80);

        var model = new GuestMemoryModel(GuestProgram.AB(settings)).WithWritten(0x10_0f80, bytes);

        model.Check(guest.Region, guest.RunTo(0x10_0000, false)).IsIntact.ShouldBeTrue();
    }

    [Test]
    public void Pages_without_a_stamp_are_zero_where_stamps_are_pages_apart()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x14_0000, PageStride = 0x1_0000, StampSpacing = 0x2000 };
        var guest = new NaiveGuest(settings);
        guest.RunPasses(3);
        var (model, state) = (new GuestMemoryModel(GuestProgram.AB(settings)), guest.RunTo(0x12_0000, false));

        model.Check(guest.Region, state).IsIntact.ShouldBeTrue();
        guest.Region[0x3_1000..0x3_3000].Count(value => value != 0).ShouldBe(2, "the stamp of 0x132000");
        guest.Region[0x3_1800] = 1;
        model.Check(guest.Region, state).DamagedBytes.ShouldBe(1);
    }

    [TestCase(0x0f_fff0u, 0x20)]
    [TestCase(0x64_0000u - 1, 2)]
    [TestCase(0x10_00ffu, 1)]
    [TestCase(0x10_2000u, 1)]
    [TestCase(0x10_1fffu, 2)]
    [TestCase(0xffff_ffffu, 1)]
    public void Writing_to_counters_or_outside_the_region_is_refused(uint address, int length)
    {
        var model = new GuestMemoryModel(GuestProgram.AB(new GuestProgramSettings { RegionEnd = 0x64_0000, PageStride = 0x2000 }));

        Should.Throw<ArgumentException>(() => model.WithWritten(address, new byte[length])).Message.ShouldContain($"0x");
    }

    [Test]
    public void A_guest_that_is_not_in_its_loop_cannot_be_checked()
    {
        var guest = new GuestCase(2);
        var preparing = new GuestState(GuestPhase.Preparing, 0, 0, false, 0x7c40);

        Should.Throw<ArgumentException>(() => guest.Model.Check(guest.Region, preparing)).Message.ShouldContain("Preparing");
        Should.Throw<ArgumentException>(() => guest.Model.Check(guest.Region.AsSpan(1), guest.State)).Message.ShouldContain("bytes");
        Should.Throw<ArgumentException>(() => guest.Model.Check(guest.Region, guest.State with { Page = guest.State.Page + 1 }));
    }
}
