using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance;

/// <summary>What changed its meaning between versions of QEMU and that no query tells.</summary>
internal static class Quirks
{
    /// <summary>Why cpr-transfer goes from 10.1 on to no older QEMU: docs/findings.md.</summary>
    public const string CprStateHasVfio = "since 10.1 the CPR state that the source hands on tells of VFIO devices, also where there are none, and 10.0 ends when it reads that (docs/findings.md)";

    /// <summary>The guest's BIOS is the source's, also when it is reset on the destination, and that of 7.2 hangs there when it has found a disk of AHCI's: docs/findings.md, seen on 10.0 and 11.1; the versions in between are a guess.</summary>
    public static bool BiosHangsElsewhere(MigrationEnvironment environment) => !environment.Source.Version.IsAtLeast(8, 0) && environment.Destination.Version.IsAtLeast(8, 2);

    /// <summary>A guest that moves in the firmware's hands (SMM) has no hardware breakpoints any more: docs/findings.md, seen on 10.0, not on 7.2, 10.2 and 11.1; the versions in between are a guess.</summary>
    public static bool FirmwareLosesBreakpoints(MigrationEnvironment environment) => environment.Destination.Version.IsAtLeast(8, 0) && !environment.Destination.Version.IsAtLeast(10, 1);

    /// <summary>Interrupt pins of q35's devices lead where a reset leads them on the destination: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool InterruptRoutesAreForgotten(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>Of some devices of PCI's nothing is sent, though a guest with them may migrate (acpi-erst, ati-vga, sdhci-pci): docs/findings.md, seen on 7.2, 10.0 and 11.1.</summary>
    public static bool DevicesAreForgotten(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>Some registers of am53c974 and vmxnet3 are not sent: docs/findings.md, seen on 7.2, 10.0 and 11.1.</summary>
    public static bool RegistersAreForgotten(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>A stream of intel-hda that plays is at the beginning of its first buffer on the destination: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool StreamBeginsAnew(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>Memory at SMBASE that firmware has locked, and that is hidden, is open on the destination: docs/findings.md, seen on 7.2 and 10.0, not on 10.2 and 11.1; the version in between is a guess.</summary>
    public static bool LockedSmbaseOpens(QemuVersion version) => !version.IsAtLeast(10, 1);

    /// <summary>A background snapshot of a guest that stands still for another reason than stop ends the source: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool BackgroundSnapshotAborts(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>xbzrle-cache-size that is changed while a migration is under way does not change the cache: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool XbzrleCacheStays(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>xbzrle's counters are not set to 0 when a migration begins: docs/findings.md, seen on 7.2, 10.0 and 11.1.</summary>
    public static bool XbzrleCountersGoOn(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>A virtio-balloon that left while it looked for free page hints, the guest being stopped, does not look for them where it arrived, and wants not to be told of them either: docs/findings.md,
    /// seen on 7.2, not on 10.0 and 11.1; the versions in between are a guess.</summary>
    public static bool HintsAreLookedForNoMore(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>Why 7.2 is not asked to save a stopped guest that goes on meanwhile: docs/findings.md.</summary>
    public const string SnapshotRunsStoppedGuests = "on 7.2 a background snapshot runs a guest that was stopped";

    /// <summary>SSE exceptions that TCG has not noted in MXCSR yet are not sent: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool SseExceptionsAreLost(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>A migration that is cancelled while its source connects stays in cancelling until the connection is made or refused: docs/findings.md, seen on 7.2 and 11.1, not on 10.0 and 10.2. By its
    /// history 10.0 mended it; that it came back with 11.0 is a guess.</summary>
    public static bool CancelWaitsForConnection(QemuVersion version) => !version.IsAtLeast(10, 0) || version.IsAtLeast(11, 0);

    /// <summary>What happens where <see cref="CancelWaitsForConnection"/>, for the catalogue.</summary>
    public const string CancelWaitsForConnectionShown = "migrate_cancel while the source connects: it stays in cancelling, and can migrate to nobody else, until the connection is made or refused";

    /// <summary>The main loop of a source stands still that was cancelled while it connects, with a return path, once the connection is made, until the other end hangs up: docs/findings.md, seen on 11.1.
    /// That it came with 11.0 is a guess.</summary>
    public static bool CancelledReturnPathHoldsMainLoop(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>What happens where <see cref="CancelledReturnPathHoldsMainLoop"/>, for the catalogue.</summary>
    public const string CancelledReturnPathHoldsMainLoopShown = "migrate_cancel while the source connects, with a return path: once the connection is made the source answers no command until its peer hangs up";

    /// <summary>A migration that is cancelled while its source connects goes on when the connection is made, if there was another migrate meanwhile: docs/findings.md, seen on 10.0 and 10.2.</summary>
    public static bool CancelledConnectionRevives(QemuVersion version) => !CancelWaitsForConnection(version) && version.IsAtLeast(10, 0);

    /// <summary>What happens where <see cref="CancelledConnectionRevives"/>, for the catalogue.</summary>
    public const string CancelledConnectionRevivesShown = "migrate after migrate_cancel while the source connects: it is refused (duplicate yank instance), and the guest goes to whom the cancelled one connects to";

    /// <summary>What happens where <see cref="HandshakeHoldsMainLoop"/> on a destination, for the catalogue.</summary>
    public const string SilentClientHoldsMainLoopShown = "somebody who connects to a destination with TLS, and says nothing: the destination answers no command until he hangs up";

    /// <summary>A side whose peer does not go on with its TLS handshake answers no command, a cancel neither: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool HandshakeHoldsMainLoop(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>What happens where <see cref="HandshakeHoldsMainLoop"/>, for the catalogue.</summary>
    public const string HandshakeHoldsMainLoopShown = "a peer that does not answer the source's TLS handshake: the source answers no command, and cannot be cancelled, until the connection ends";

    /// <summary>A migration into a pipe that nobody reads stays in cancelling until somebody does, or the pipe is closed: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool CancelWaitsForReader(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>What happens where <see cref="CancelWaitsForReader"/>, for the catalogue.</summary>
    public const string CancelWaitsForReaderShown = "migrate_cancel of a migration into a full pipe: it stays in cancelling until somebody reads, or the pipe's other end is closed";

    /// <summary>So does one with multifd whose peer reads none of its channels: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public static bool MultifdCancelWaitsForReader(QemuVersion version) => version.IsAtLeast(7, 2);

    /// <summary>What happens where <see cref="MultifdCancelWaitsForReader"/>, for the catalogue.</summary>
    public const string MultifdCancelWaitsForReaderShown = "migrate_cancel of a multifd migration whose peer reads nothing: it stays in cancelling until the peer reads or hangs up";

    /// <summary>snapshot-save with multifd on ends QEMU: docs/findings.md, seen on 7.2 and 10.0, not on 10.2 and 11.1, which refuse it; the version in between is a guess.</summary>
    public static bool MultifdSnapshotAborts(QemuVersion version) => !version.IsAtLeast(10, 1);

    /// <summary>What happens where <see cref="MultifdSnapshotAborts"/>, for the catalogue.</summary>
    public const string MultifdSnapshotAbortsShown = "snapshot-save with multifd on: QEMU ends by a signal, and the guest is lost";

    /// <summary><c>fd:</c> with a plain file is refused: <c>file:</c> is there for it.</summary>
    public static bool PlainFileDescriptorRefused(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>A descriptor that <c>migrate</c> refuses as <c>fd:</c> is neither closed nor given back: docs/findings.md, seen on 11.1.</summary>
    public static bool RefusedDescriptorLeaks(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>Multifd and postcopy-ram exclude each other: allowed again, and made to work, in 10.1; 7.2 does not look.</summary>
    public static bool MultifdPostcopyRefused(QemuVersion version) => version.IsAtLeast(8, 0) && !version.IsAtLeast(10, 1);

    /// <summary>Why 7.2 is not asked for multifd together with postcopy-ram.</summary>
    public const string MultifdPostcopyAborts = "7.2 accepts multifd together with postcopy-ram, and its destination aborts";

    /// <summary>transferred counts multifd's pages as if they were not compressed: seen on 7.2.</summary>
    public static bool CompressionNotCounted(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>With multifd, a migration that is cancelled in setup may stay in cancelling for ever: docs/findings.md, seen on 7.2.</summary>
    public static bool MultifdCancelInSetupHangs(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>A multifd migration that is cancelled as a pass begins may stay in cancelling for ever: docs/findings.md, seen on 10.0 and 10.2, not on 7.2 and 11.1.</summary>
    public static bool MultifdCancelAtPassHangs(QemuVersion version) => version.IsAtLeast(9, 0) && !version.IsAtLeast(11, 0);

    /// <summary>A multifd migration that is cancelled while it fills its channels may stay in cancelling for ever: docs/findings.md, seen on 7.2, in setup and soon after it.</summary>
    public static bool MultifdCancelWhileSendingHangs(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>A destination that could not open what migrate-incoming told it stays in setup: docs/findings.md, seen on 10.0, 10.2 and 11.1, not on 7.2.</summary>
    public static bool RefusedIncomingStaysInSetup(QemuVersion version) => version.IsAtLeast(8, 0);

    /// <summary>A multifd migration that is cancelled leaves some KiB in the source: docs/findings.md, seen on 7.2, not on 10.0 and 11.1.</summary>
    public static bool CancelledMultifdLeaks(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>Why 7.2 is not asked for multifd migrations that break again and again: docs/findings.md.</summary>
    public const string BrokenMultifdHangs = "on 7.2 the migration thread of a multifd migration that breaks may hang for ever";

    /// <summary>Why 7.2 is not asked to drop the connections of a multifd migration (yank): docs/findings.md.</summary>
    public const string YankedMultifdHangs = "on 7.2 the destination of a multifd migration whose connections are dropped may hang for ever";

    /// <summary>Why 7.2 is not asked to drop the channels of a postcopy with postcopy-preempt (yank): docs/findings.md.</summary>
    public const string YankedPreemptMayCrash = "on 7.2 the source of a postcopy with postcopy-preempt whose channels were dropped may crash when it recovers";

    /// <summary>Why 7.2 is not asked to recover with postcopy-preempt through a proxy: docs/findings.md.</summary>
    public const string PreemptRecoveryMayFail = "on 7.2 a postcopy with postcopy-preempt that has recovered may break by itself";

    /// <summary>Why 7.2 is not asked to recover over and over: docs/findings.md; by its history 8.2 took such races out of the return path.</summary>
    public const string RecoveriesMayCrash = "a source that recovers over and over may crash before (seen on 7.2)";

    /// <summary>Who agrees to a switchover is asked for by the devices of the source; only machines to 11.0 have the destination always do it (switchover-ack-legacy).</summary>
    public static bool SwitchoverAckOfDevices(QemuVersion version) => version.IsAtLeast(11, 1);

    /// <summary>multifd-zlib-level and multifd-zstd-level are accepted and not applied: seen on 7.2.</summary>
    public static bool CompressionLevelIgnored(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>A destination that begins to listen says setup without being asked for events: seen on 7.2, not on 10.0.</summary>
    public static bool SetupComesUnasked(QemuVersion version) => !version.IsAtLeast(10, 0);

    /// <summary>What the source says where <see cref="BlocksOfWholeWordsAbort"/>.</summary>
    public const string BlocksOfWholeWordsAssertion = "tlb_reset_dirty_range_all: Assertion `block == qemu_get_ram_block(end - 1)' failed";

    /// <summary>What happens where <see cref="BlocksOfWholeWordsAbort"/>, for the catalogue.</summary>
    public const string BlocksOfWholeWordsAbortShown = "migrate under TCG with a later block of RAM that is larger than the first: the source aborts (tlb_reset_dirty_range_all)";

    /// <summary>A source with RAM in several blocks, sizes multiples of 64 pages, aborts under TCG: docs/findings.md, seen on 10.0, 10.2 and 11.1, not on 7.2; the cause is there since 9.0.</summary>
    public static bool BlocksOfWholeWordsAbort(QemuVersion version) => version.IsAtLeast(9, 0);

    /// <summary>What calc-dirty-rate says in mode dirty-bitmap under TCG, for the catalogue: docs/findings.md, seen on 10.0 and 11.1.</summary>
    public const string DirtyBitmapRateIsZeroShown = "calc-dirty-rate by dirty-bitmap under TCG: it measures 0 of a guest that writes to all of its region";

    /// <summary>What it does where <see cref="DirtyBitmapRateKills"/>, for the catalogue.</summary>
    public const string DirtyBitmapRateKillsShown = "calc-dirty-rate by dirty-bitmap under TCG: QEMU ends with SIGSEGV";

    /// <summary>calc-dirty-rate by dirty-bitmap ends a QEMU under TCG: docs/findings.md, seen on 7.2.</summary>
    public static bool DirtyBitmapRateKills(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>What happens where <see cref="ColoUnreachable"/>, for the catalogue.</summary>
    public const string ColoUnreachableShown = "COLO is never reached: the source completes and stops, the secondary says COLO_EXIT with reason error";

    /// <summary>The source completes instead of entering COLO: broken with the status device in 10.0.0, mended in 10.0.7 and 10.1.3.</summary>
    public static bool ColoUnreachable(QemuVersion version) => (version.Major, version.Minor) switch
    {
        (10, 0) => version.Micro < 7,
        (10, 1) => version.Micro < 3,
        _ => false,
    };

    /// <summary>x-colo is refused without return-path; before, return-path takes COLO's messages for its own, and the migration fails: seen on 7.2 and 10.0.</summary>
    public static bool ColoWantsReturnPath(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>A packet of multifd that a secondary takes in after it took over comes into its guest: docs/findings.md, seen on 11.1.</summary>
    public static bool ColoTakesLatePackets(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>What happens where <see cref="ColoTakesLatePackets"/>, for the catalogue.</summary>
    public const string ColoTakesLatePacketsShown = "a packet of multifd's that the secondary takes in after it took over comes into its guest's memory";

    /// <summary>What a q35's secondary says where <see cref="ColoCheckpointAborts"/>.</summary>
    public const string ColoCheckpointAssertion = "memory_region_add_subregion_common: Assertion `!subregion->container' failed";

    /// <summary>What happens where <see cref="ColoCheckpointAborts"/>, for the catalogue.</summary>
    public const string ColoCheckpointAbortsShown = "COLO makes no checkpoint: the secondary aborts when it loads the first (memory_region_add_subregion_common), or the primary waits for good";

    /// <summary>The secondary aborts when it loads its first checkpoint, or, now and then, the primary never sends it: seen on 7.2.</summary>
    public static bool ColoCheckpointAborts(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>What a destination in postcopy does with a migrate where <see cref="MigrateInPostcopyAborts"/>, and says where not.</summary>
    public const string MigrateInPostcopyError = "duplicate yank instance";

    /// <summary>A destination in postcopy that is told to migrate aborts: docs/findings.md, seen on 11.1. Before, it refuses, but its status goes to setup: seen on 7.2 and 10.0.</summary>
    public static bool MigrateInPostcopyAborts(QemuVersion version) => version.IsAtLeast(11, 0);

    /// <summary>A multifd migration whose TLS, or whose UUID, is refused may hang after it has said failed, with its thread and sockets: docs/findings.md, seen on 7.2.22, 10.0.2 and 10.2.2, not on 11.1.</summary>
    public static bool RefusedMultifdMayHang(QemuVersion version) => !version.IsAtLeast(11, 0);

    /// <summary>A destination that refuses a channel of multifd says why, and waits for another; later ones fail. Seen on 7.2, not on 10.0; that it came with 8.0 is a guess.</summary>
    public static bool RefusedChannelLeavesDestination(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>Why a migration that fails at its very end waits for 8.0, which is a guess: seen on 7.2, not on 10.0.</summary>
    public const string UnansweredIsPostMigrate = "7.2's source is in postmigrate when a migration has failed after all was sent, and refuses the next until its guest has run";

    /// <summary>Why cancelling a migration with a return path waits for 11.0: seen on 7.2, 10.0 and 10.2.</summary>
    public const string CancelMayFail = "with a return path a cancelled migration may end as failed before 11.0 (docs/findings.md)";

    /// <summary>The source of a stopped guest says postmigrate after a cancel in pre-switchover: docs/findings.md, seen on 7.2, not on 10.0 and 11.1; by its history mended in 8.1.</summary>
    public static bool CancelLosesRunState(QemuVersion version) => RunState.IsLostInSwitchover(version);

    /// <summary>A migration forgets the VLANs that virtio-net's driver wants: docs/findings.md, seen on 7.2, not on 10.0 and 11.1; by its history mended in 8.2.</summary>
    public static bool VlansAreLost(QemuVersion version) => !version.IsAtLeast(8, 2);

    /// <summary>Under TCG, with postcopy-ram on, a store to a page that stays in the vCPU's TLB may be lost: docs/findings.md, seen on 11.1, not on 10.0.</summary>
    public static bool PostcopyRamLosesStores(MigrationEnvironment environment) => environment.Accelerator.Name == "tcg" && environment.Source.Version.IsAtLeast(11, 0);

    /// <summary>What happens where <see cref="PostcopyRamLosesStores"/>, for the catalogue.</summary>
    public const string PostcopyRamLosesStoresShown = "postcopy-ram under TCG: stores of a guest that writes to few pages are lost, and old pages stay on the destination";

    /// <summary>Under TCG a store to a page in the vCPU's TLB may be lost by a migration of several passes: docs/findings.md, seen on 7.2, not on 10.0 and 11.1; by its history mended in 9.0.</summary>
    public static bool StoresMayBeLost(QemuVersion version) => !version.IsAtLeast(9, 0);

    /// <summary>Blocks of RAM whose dirty pages QEMU does not take by words of 64: they are not concerned.</summary>
    public static readonly IReadOnlyList<int> NodesWithoutLostStoresKiB = [76_804, 76_796];

    /// <summary>multifd-bytes may count a last packet that a channel does not send any more: docs/findings.md, seen on 7.2.</summary>
    public static bool LastMultifdPacketMayStay(QemuVersion version) => !version.IsAtLeast(8, 2);

    /// <summary>A suspended guest whose migration was cancelled has its dirty pages tracked on, also once it has woken up, until it is stopped and goes on: docs/findings.md, seen on 10.0 and 11.1.</summary>
    public static bool SuspendedStaysTracked(QemuVersion version) => version.IsAtLeast(9, 0);

    /// <summary>While a guest is throttled the dirty bitmap is synced each 5 s, also within a pass: not on 7.2, by its history since 9.2, and not on 11.1 any more. The version in between is a guess.</summary>
    public static bool DirtyBitmapIsSyncedWhileThrottled(QemuVersion version) => version.IsAtLeast(9, 2) && !version.IsAtLeast(11, 0);

    /// <summary>calc-dirty-rate's start-time counts from the host's start: docs/findings.md, seen on 7.2.</summary>
    public static bool DirtyRateCountsFromHostStart(QemuVersion version) => !version.IsAtLeast(8, 0);

    /// <summary>A background snapshot of a stopped guest lets it run: docs/findings.md, seen on 7.2, not on 10.0, 10.2 and 11.1.</summary>
    public static bool BackgroundSnapshotRuns(QemuVersion version) => !version.IsAtLeast(9, 0);

    /// <summary>A migration that is cancelled as its switchover begins may end as failed: docs/findings.md, seen on 7.2, not on 10.0 and later. The version in between is a guess.</summary>
    public static bool LateCancelFails(QemuVersion version) => !version.IsAtLeast(9, 0);

    /// <summary>A periodic timer of the HPET, of 32 bits, that was due when the guest was stopped is not set again before the counter's lower half has come round, in 43 s: docs/findings.md, seen on
    /// 10.0, 10.2 and 11.1, not on 7.2. The version in between is a guess.</summary>
    public static bool DueHpetTimerWaits(QemuVersion version) => version.IsAtLeast(9, 1);

    /// <summary>What happens where <see cref="DueHpetTimerWaits"/>, for the catalogue.</summary>
    public const string DueHpetTimerWaitsShown = "a periodic HPET timer that was due when the guest was stopped: it waits for 43 s";

    /// <summary>Why 7.2 is not asked to cancel a background-snapshot: docs/findings.md; not so on 10.0 and later. The version in between is a guess.</summary>
    public const string CancelledSnapshotHangs = "on 7.2 the guest of a background-snapshot that is cancelled hangs when it writes to a page that was not saved";

    /// <summary>What happens where <see cref="BackgroundSnapshotRuns"/>, for the catalogue.</summary>
    public const string BackgroundSnapshotRunsShown = "background-snapshot of a stopped guest: it runs afterwards";

    /// <summary>x-ignore-shared leaves out all RAM with share=on, also what no other QEMU can have: docs/findings.md, seen on 7.2, not on 10.0, 10.2 and 11.1.</summary>
    public static bool IgnoresAllSharedRam(QemuVersion version) => !version.IsAtLeast(8, 1);

    /// <summary>Why x-ignore-shared goes to no older QEMU: <see cref="IgnoresAllSharedRam"/>.</summary>
    public const string OlderExpectsNoSharedRam = "an older destination with x-ignore-shared expects no RAM with share=on, and refuses it (Illegal RAM offset)";

    /// <summary>What happens where <see cref="IgnoresAllSharedRam"/>, for the catalogue.</summary>
    public const string IgnoresAllSharedRamShown = "x-ignore-shared with RAM that is shared with nobody (memfd, share=on): it is not sent, the source completes, and the destination fails";

    /// <summary>snapshot-save with mapped-ram fails: seen on 10.0, not on 10.2 and 11.1.</summary>
    public static bool MappedSnapshotFails(QemuVersion version) => !version.IsAtLeast(10, 2);

    /// <summary>What happens where <see cref="MappedSnapshotFails"/>, for the catalogue.</summary>
    public const string MappedSnapshotFailsShown = "snapshot-save with mapped-ram; the job ends with an error";

    /// <summary>snapshot-load with mapped-ram into a stopped guest leaves what is in pages that were zero: docs/findings.md, seen on 10.2 and 11.1.</summary>
    public static bool MappedSnapshotLeavesZeros(QemuVersion version) => version.IsAtLeast(10, 2);

    /// <summary>What happens where <see cref="MappedSnapshotLeavesZeros"/>, for the catalogue.</summary>
    public const string MappedSnapshotLeavesZerosShown = "snapshot-load with mapped-ram while the guest is stopped: pages that were zero keep what was written to them since";

    /// <summary>The limits that a migration with dirty-limit has set stay when it was cancelled or has completed, and the guest is held back: docs/findings.md, seen on 10.0 and 11.1.</summary>
    public static bool DirtyLimitStays(QemuVersion version) => version.IsAtLeast(8, 1);

    /// <summary>What a migration does to a disk's write cache, for the catalogue: docs/findings.md, seen on 7.2, 10.0, 10.2 and 11.1.</summary>
    public const string WriteCacheGoesByModelShown = "a disk's write cache that the guest has turned off is on after a migration, though the disk says that it is off";

    /// <summary>What a guest draws to some of VGA's chained planes is not sent again: docs/findings.md, seen on 10.0, 10.2 and 11.1, not on 7.2.</summary>
    public static bool MaskedPlanesAreLost(QemuVersion version) => version.IsAtLeast(9, 0);

    /// <summary>What happens where <see cref="MaskedPlanesAreLost"/>, for the catalogue.</summary>
    public const string MaskedPlanesAreLostShown = "VGA: what the guest draws to some of the chained planes (chain-4 with a plane mask) after they were sent is lost by a migration";
}
