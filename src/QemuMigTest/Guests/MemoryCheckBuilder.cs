namespace QemuMigTest.Guests;

/// <summary>Collects damaged pages, in the order of their addresses.</summary>
internal sealed class MemoryCheckBuilder(uint stride)
{
    private readonly List<PageDamage> _damage = [];
    private readonly List<DamageRun> _runs = [];
    private DamageRun? _run;
    private int _pages;
    private int _runCount;
    private long _bytes;

    public void Add(PageDamage damage)
    {
        _pages++;
        _bytes += damage.ByteCount;
        if (_damage.Count < MemoryCheck.DetailLimit)
            _damage.Add(damage);
        if (_run is not null && _run.IsContinuedBy(damage, stride))
        {
            _run = _run with { LastAddress = damage.Address, PageCount = _run.PageCount + 1 };
            return;
        }
        EndRun();
        _run = new DamageRun(damage, damage.Address, 1);
    }

    public MemoryCheck Build(GuestState state, uint regionStart, int pagesChecked)
    {
        EndRun();
        return new MemoryCheck
        {
            State = state,
            RegionStart = regionStart,
            PagesChecked = pagesChecked,
            DamagedPages = _pages,
            DamagedBytes = _bytes,
            Damage = _damage,
            Runs = _runs,
            RunCount = _runCount,
        };
    }

    private void EndRun()
    {
        if (_run is null)
            return;
        _runCount++;
        if (_runs.Count < MemoryCheck.DetailLimit)
            _runs.Add(_run);
        _run = null;
    }
}
