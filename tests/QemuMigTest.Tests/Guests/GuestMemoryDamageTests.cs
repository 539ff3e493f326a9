using FsCheck;
using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

#pragma warning disable NUnit1027 // FsCheck makes the arguments of a property.

namespace QemuMigTest.Tests.Guests;

public class GuestMemoryDamageTests
{
    [FsCheck.NUnit.Property(MaxTest = 30)]
    public void A_stale_page_is_named_with_its_passes(DoNotSize<int> seed)
    {
        foreach (var behind in new[] { 1, 2, 255, 256, 257, 512, 32767 })
        {
            var guest = new GuestCase(seed.Item, fewestPasses: behind);
            var page = guest.DirtyPages[guest.Random.Next(guest.DirtyPages.Count)];
            guest.PageAt(page, guest.State.PassesOf(page) - (uint)behind).CopyTo(guest.Page(page));

            var damage = guest.Model.Check(guest.Region, guest.State).Damage.ShouldHaveSingleItem();

            (damage.Address, damage.Kind, damage.Passes).ShouldBe((page, DamageKind.StalePass, behind));
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 30)]
    public void A_stale_page_that_the_guest_went_on_with_is_named_with_the_passes_it_lacks(DoNotSize<int> seed)
    {
        foreach (var (missing, since) in new[] { (1, 1), (3, 40), (200, 20), (255, 1) })
        {
            var guest = new GuestCase(seed.Item, fewestPasses: missing + since);
            var page = guest.DirtyPages[guest.Random.Next(guest.DirtyPages.Count)];
            var total = guest.State.PassesOf(page);
            for (var pass = total - (uint)(missing + since); pass < total - (uint)since; pass++)
                guest.Page(page)[(int)(pass % 256)]--;

            var damage = guest.Model.Check(guest.Region, guest.State).Damage.ShouldHaveSingleItem();

            (damage.Kind, damage.Passes).ShouldBe((DamageKind.MissingPasses, missing));
        }
    }

    [FsCheck.NUnit.Property]
    public void A_page_of_the_future_is_named_with_its_passes(DoNotSize<int> seed)
    {
        foreach (var ahead in new[] { 1, 255, 256, 1000 })
        {
            var guest = new GuestCase(seed.Item);
            var page = guest.DirtyPages[guest.Random.Next(guest.DirtyPages.Count)];
            guest.PageAt(page, guest.State.PassesOf(page) + (uint)ahead).CopyTo(guest.Page(page));

            var damage = guest.Model.Check(guest.Region, guest.State).Damage.ShouldHaveSingleItem();

            (damage.Address, damage.Kind, damage.Passes).ShouldBe((page, DamageKind.AheadOfPass, ahead));
        }
    }

    [FsCheck.NUnit.Property]
    public void A_page_in_anothers_place_is_named(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var pages = guest.Region.Length / 4096;
        if (pages == 1)
            return;
        var first = guest.Random.Next(pages);
        var second = (first + guest.Random.Next(1, pages)) % pages;
        var (one, two) = (guest.Settings.RegionStart + ((uint)first * 4096), guest.Settings.RegionStart + ((uint)second * 4096));
        var kept = guest.Page(one).ToArray();
        guest.Page(two).CopyTo(guest.Page(one));
        kept.CopyTo(guest.Page(two));

        var check = guest.Model.Check(guest.Region, guest.State);

        check.Damage.Select(damage => (damage.Address, damage.Kind, damage.OtherAddress)).ShouldBe(
            [(one, DamageKind.OtherPage, (uint?)two), (two, DamageKind.OtherPage, (uint?)one)], ignoreOrder: true);
    }

    [FsCheck.NUnit.Property]
    public void A_zero_page_is_named(DoNotSize<int> seed)
    {
        var guest = new GuestCase(seed.Item);
        var page = guest.Settings.RegionStart + ((uint)guest.Random.Next(guest.Region.Length / 4096) * 4096);
        guest.Page(page).Clear();

        var damage = guest.Model.Check(guest.Region, guest.State).Damage.ShouldHaveSingleItem();

        (damage.Address, damage.Kind).ShouldBe((page, DamageKind.Zeros));
    }

    [Test]
    public void A_lost_write_is_named_and_a_stale_page_with_or_without_it_is_stale()
    {
        var guest = new GuestCase(3, fewestPasses: 9);
        var page = guest.DirtyPages[0];
        var model = guest.Model.WithWritten(page + 0x100, new byte[] { 0xfe, 0xfe, 0xfe });

        model.Check(guest.Region, guest.State).Damage.Single().Kind.ShouldBe(DamageKind.LostWrite);

        guest.PageAt(page, guest.State.PassesOf(page) - 7).CopyTo(guest.Page(page));
        model.Check(guest.Region, guest.State).Damage.Single().Passes.ShouldBe(7);
        guest.Page(page).Slice(0x100, 3).Fill(0xfe);
        model.Check(guest.Region, guest.State).Damage.Single().Passes.ShouldBe(7);
    }

    [Test]
    public void Few_bits_are_flips_and_more_are_other_damage()
    {
        var guest = new GuestCase(4);
        guest.Page(guest.Settings.RegionStart)[0x300] ^= 0xff;
        guest.Model.Check(guest.Region, guest.State).Damage.Single().ToString()
            .ShouldStartWith("8 bits flipped; 1 byte at offset 0x300: expected ");

        guest.Page(guest.Settings.RegionStart)[0x310] ^= 1;
        var damage = guest.Model.Check(guest.Region, guest.State).Damage.Single();
        damage.Kind.ShouldBe(DamageKind.Other);
        damage.ToString().ShouldStartWith("other damage; 2 bytes from offset 0x300 to 0x310: expected ");
        damage.Seen.Length.ShouldBe(16);
    }

    [Test]
    public void Neighbours_with_the_same_damage_are_one_line()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x11_0000 };
        var guest = new NaiveGuest(settings);
        guest.RunPasses(17);
        var stale = guest.Region.ToArray();
        guest.RunPasses(2);
        stale.AsSpan(0x3000, 0x4000).CopyTo(guest.Region.AsSpan(0x3000));
        guest.Region.AsSpan(0x8000, 0x1000).Clear();
        guest.Region[0xf800] ^= 0x40;

        var check = new GuestMemoryModel(GuestProgram.AB(settings)).Check(guest.Region, guest.RunTo(0x10_0000, false));

        check.Describe().ShouldBe(
            """
            6 of 16 pages from 0x100000 are damaged (2,893 bytes), the guest being after 19 passes, in the next at page 0x100000 (not incremented):
              4 pages from 0x103000 to 0x106000, the first of them: 2 passes behind; 2 bytes from offset 0x11 to 0x12: expected 01 01, seen 00 00; last written in the guest's pass 19
              page 0x108000: all zero; 2884 bytes from offset 0x0 to 0xffe: expected 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01, seen 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00; last written in the guest's pass 19
              page 0x10f000: 1 bit flipped; 1 byte at offset 0x800: expected 00, seen 40; last written in the guest's pass 19
            """);
    }

    [Test]
    public void Stale_pages_a_stride_apart_are_neighbours()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x11_0000, PageStride = 0x2000 };
        var guest = new NaiveGuest(settings);
        guest.RunPasses(4);
        var state = guest.RunTo(0x10_0000, false);

        var check = new GuestMemoryModel(GuestProgram.AB(settings)).Check(guest.Region, state with { Pass = 5 });

        check.DamagedPages.ShouldBe(8);
        check.Runs.ShouldHaveSingleItem().PageCount.ShouldBe(8);
    }

    [Test]
    public void However_much_is_damaged_all_is_counted_and_little_is_told()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x20_0000 };
        var guest = new NaiveGuest(settings);
        var state = guest.RunTo(0x10_0000, false);
        for (var page = 0; page < guest.Region.Length; page += 0x2000)
            guest.Region[page + 0x900] ^= 1;

        var check = new GuestMemoryModel(GuestProgram.AB(settings)).Check(guest.Region, state);

        (check.DamagedPages, check.DamagedBytes, check.RunCount).ShouldBe((128, 128, 128));
        (check.Damage.Count, check.Runs.Count).ShouldBe((32, 32));
        check.Describe().Split('\n').Length.ShouldBe(34);
        check.Describe().ShouldEndWith("and 96 more such places");
    }

    [Test]
    public void Intact_memory_is_said_to_be_so()
    {
        var settings = new GuestProgramSettings { RegionEnd = 0x110_0000 };
        var guest = new NaiveGuest(settings);
        guest.RunPasses(2);

        new GuestMemoryModel(GuestProgram.AB(settings)).Check(guest.Region, guest.RunTo(0x10_2000, true)).ToString().ShouldBe(
            "All 4,096 pages from 0x100000 are what they must be after 2 passes, in the next at page 0x102000 (incremented).");
    }
}
