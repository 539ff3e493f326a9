# A guest that keeps known values in all that a guest relies on, and looks at them over and over.
#
# The BIOS loads the first sector to 0x7c00, which loads the others behind it. Every vCPU is started, enters 64-bit mode and makes laps. In a lap it
# fills its registers, spins for a while, in which nothing but %rcx moves, and then compares all it has with what it put there. The first vCPU also
# looks at the devices.
#
# What is read of devices, MSRs and CPUID is not written here but in tables of operations, which whoever puts the program on a disk appends. What a
# read gives the first time, after the set-up, is what it must give ever after.
#
# On COM1 it writes 'A' when it starts, 'B' after each so many laps of the first vCPU, and on damage a line that begins with '!': the vCPU, the item,
# what was expected, what was seen, the lap; all in lower-case hexadecimal digits. The item's new value is then the expected one.
#
# In memory, above the program:
#   0x100000  pages of which each lap writes one counter, so that there is something to send
#   0x200000  page tables, then IDT, then what all vCPUs share
#   0x220000  PCI configuration spaces as first seen
#   0x230000  where the breakpoint is
#   0x300000  64 KiB for each vCPU: see cpu_ below. Its stack is there too, so that the stack pointer tells whose it is.
#   0x400000  128 KiB for each vCPU: see own_ below. Pages that it stores to in ways of which each must be noticed, and page tables of its own.

	.set	COM1, 0x3f8
	.set	DIRTIED, 0x100000
	.set	DIRTIED_PAGES, 32
	.set	PML4, 0x200000
	.set	IDT, 0x210000
	.set	SHARED, 0x212000
	.set	PCI_SEEN, 0x220000
	.set	PCI_FUNCTIONS, 40		# at most
	.globl	trap_here
	.set	trap_here, 0x230000		# nop, ret; in a page of its own: translating code beside a breakpoint is slow
	.set	CPUS, 0x300000
	.globl	own_pages, own_size, own_across_first_busy, own_table
	.set	OWN, 0x400000
	.set	own_pages, OWN
	.set	OWN_VIRTUAL, 0x8000000000	# where its own page tables show its last page, 512 times
	.set	APIC, -0x1200000		# the last GiB is mapped at its end of the address space too
	.set	HPET, -0x1300000
	.set	HPET_MILLISECOND, 100000
	.set	HPET_SECOND, 100000000
	.set	MOST_REPORTS, 48		# of each vCPU
	.set	MOST_POLLS, 1000000		# about a second

	# What all share.
	.set	next_cpu, SHARED
	.set	cpus_ready, SHARED + 8
	.globl	line_lock
	.set	line_lock, SHARED + 16
	.set	pci_count, SHARED + 24
	.globl	late_go
	.set	late_go, SHARED + 32		# whoever looks on writes 1: the late vCPUs may start
	.set	late_gone, SHARED + 40
	.set	late_waiting, SHARED + 48
	.set	low_memory_sums, SHARED + 0x100	# 16 of them
	.set	pci_addresses, SHARED + 0x200

	# What each vCPU has; the framework reads the first 64 bytes.
	.globl	cpu_blocks, cpu_block_size, cpu_number, cpu_laps, cpu_timers, cpu_hpets, cpu_traps, cpu_reports, cpu_hpet, cpu_tsc
	.set	cpu_blocks, CPUS
	.set	cpu_block_size, 0x10000
	.set	cpu_number, 0x00
	.set	cpu_laps, 0x08
	.set	cpu_timers, 0x10		# interrupts of the local APIC's timer
	.set	cpu_hpets, 0x18			# interrupts of the HPET
	.set	cpu_traps, 0x20			# debug exceptions
	.set	cpu_reports, 0x28
	.set	cpu_hpet, 0x30			# the HPET's counter in the last lap
	.set	cpu_tsc, 0x38			# the TSC then
	.set	cpu_in_service, 0x40
	.set	cpu_fixup, 0x48			# 1: a general protection fault skips the instruction, which is rdmsr or wrmsr
	.set	cpu_hpet_after, 0x50
	.set	cpu_tsc_rate, 0x58		# TSC ticks in 1024 HPET ticks
	.set	cpu_timers_seen, 0x60
	.set	cpu_timers_when, 0x68
	.set	cpu_hpets_seen, 0x70
	.set	cpu_hpets_when, 0x78
	.set	cpu_capture, 0x80		# 1: what is read is what will be expected
	.set	cpu_xcr0, 0x88
	.set	cpu_fired, 0x90			# DR6's low bits of each debug exception of the lap, a byte each
	.set	cpu_latch_low, 0x98
	.set	cpu_latch_before, 0xa0
	.set	cpu_latch_after, 0xa8
	.set	cpu_table, 0xb0			# 10 bytes for sgdt and sidt
	.set	cpu_tsc_error, 0xc0		# by how many of 1024 the rate may be wrong
	.set	cpu_registers, 0x100		# in the order of save_registers
	.globl	cpu_expected_registers
	.set	cpu_expected_registers, 0x200	# the same order
	.set	cpu_ten_bytes, 0xd0		# for the x87
	.globl	cpu_nmis, cpu_nmis_awaited, cpu_nmi_hold, cpu_nmi_mxcsr
	.set	cpu_nmis, 0xe0
	.set	cpu_nmis_awaited, 0xe8		# whoever looks on writes how many may come; one more is damage
	.set	cpu_nmi_hold, 0xf0		# and 1: the handler does not return, so that there can be no other NMI
	.set	cpu_nmi_mxcsr, 0xf8		# what MXCSR was at the end of that: a comparison with no number, before, is noted in it
	.set	cpu_mxcsr, 0xfc
	.set	cpu_clocks, 0x300		# phase and error of each clock, 16 bytes
	.set	cpu_computed, 0x380		# what SSE and x87 make of the control words
	.set	cpu_natives, 0x400		# expected values of items that are not in tables
	.set	cpu_xsave, 0x1000
	.set	cpu_xsave_seen, 0x2000
	.set	cpu_baselines, 0x3000		# 1024 quadwords, by item
	.set	cpu_gdt, 0x5000
	.set	cpu_ldt, 0x5100
	.set	cpu_tss, 0x5200
	.set	cpu_tables_end, 0x5300
	.set	cpu_trap_stack, 0x7ff0
	.set	cpu_nmi_stack, 0x9ff0
	.set	cpu_stack, 0xf000
	.set	cpu_pml4, 0xf000

	# Pages of each vCPU. A store across two of them is halved by the boundary. Nothing else writes to these pages, but for the two that are busy.
	.set	own_size, 0x20000
	.set	own_first_busy, 0x0000
	.set	own_across_first_busy, 0x0ffc
	.set	own_across_second_busy, 0x2ffc
	.set	own_second_busy, 0x3ff8
	.set	own_across_sse, 0x4ff8
	.set	own_across_x87, 0x6ffc
	.set	own_across_push, 0x8ffc
	.set	own_push, 0xaff8
	.set	own_cmpxchg16b, 0xb010
	.set	own_xchg, 0xc020
	.set	own_pdpt, 0xd000
	.set	own_directory, 0xe000
	.set	own_table, 0xf000
	.set	own_shown, 0x10000
	.set	own_watched, 0x12000		# DR1's 8 bytes, and at 16 DR2's 2: in a page of their own, for what is beside a watchpoint is slow
	.set	WATCHED_PORTS, 0x1e00		# DR3's, 4 for each vCPU; nothing is there

	# Items that are not in tables.
	.macro	item name, number
	.globl	item_\name
	.set	item_\name, 0x400 + \number
	.endm
	item	rax, 0
	item	rbx, 1
	item	rcx, 2
	item	rdx, 3
	item	rsi, 4
	item	rdi, 5
	item	rbp, 6
	item	rsp, 7
	item	r8, 8
	item	r9, 9
	item	r10, 10
	item	r11, 11
	item	r12, 12
	item	r13, 13
	item	r14, 14
	item	r15, 15
	item	rflags, 16
	item	cr0, 32
	item	cr2, 33
	item	cr3, 34
	item	cr4, 35
	item	cr8, 36
	item	xcr0, 37
	item	dr0, 38
	item	dr1, 39
	item	dr2, 40
	item	dr3, 41
	item	dr6, 42
	item	dr7, 43
	item	cs, 44
	item	ds, 45
	item	es, 46
	item	fs, 47
	item	gs, 48
	item	ss, 49
	item	tr, 50
	item	ldtr, 51
	item	gdt_limit, 52
	item	gdt_base, 53
	item	idt_limit, 54
	item	idt_base, 55
	item	descriptor_tables, 56
	item	idt_contents, 57
	item	fs_memory, 58
	item	gs_memory, 59
	item	ldt_entry, 60
	item	breakpoints_that_fired_in_order, 64
	item	exception, 65
	item	unexpected_interrupt, 66
	item	tsc, 67
	item	hpet_counter, 68
	item	apic_timer, 69
	item	apic_timer_interrupts, 70
	item	hpet_interrupts, 71
	item	pit0_counter, 72
	item	pit2_latched_counter, 73
	item	pm_timer, 74
	item	in_service_interrupts, 75
	item	fault_address, 76
	item	store_across_pages_of_which_the_first_is_busy, 80
	item	store_across_pages_of_which_the_second_is_busy, 81
	item	SSE_store_across_pages_first_page, 82
	item	SSE_store_across_pages_second_page, 83
	item	x87_store_across_pages, 84
	item	push_across_pages, 85
	item	push_to_a_page_of_its_own, 86
	item	cmpxchg16b_low_half, 87
	item	cmpxchg16b_high_half, 88
	item	xchg, 89
	item	store_through_its_own_page_table, 90
	item	page_table_entry_that_the_CPU_marked, 91
	item	SSE_conversion_to_integers, 92
	item	SSE_division, 93
	item	SSE_division_with_denormal_numbers, 94
	item	x87_division, 95
	item	x87_conversion_to_an_integer, 96
	.globl	item_extended_state, item_low_memory, item_pci
	.set	item_extended_state, 0x800	# and the offset in the XSAVE area
	.set	item_low_memory, 0x2000		# and the number of the 64 KiB
	.set	item_pci, 0x10000		# and bus, device, function and offset, as in port 0xcf8

	# Clocks, as numbers of pairs at cpu_clocks.
	.set	CLOCK_APIC, 0
	.set	CLOCK_PIT0, 1
	.set	CLOCK_PIT2, 2
	.set	CLOCK_PM, 3

	.set	ONE_SHOT_CPU, 2
	.set	VECTOR_PENDING, 0x31		# requested, and never delivered: VECTOR_IN_SERVICE is in service
	.set	VECTOR_IN_SERVICE, 0x41
	.globl	vector_timer, vector_hpet, apic_initial_count, pit0_count, pit2_count
	.set	vector_timer, 0xe0
	.set	vector_hpet, 0xe2
	.set	apic_initial_count, 62499	# with the divider 16: 1 ms
	.set	one_shot_count, 312499		# 5 ms: it is rarely over and its interrupt not taken yet
	.set	pit0_count, 12000			# 10 ms
	.set	pit2_count, 50000

	.set	SEL_DATA, 0x10
	.set	SEL_CODE64, 0x18
	.set	SEL_DS, 0x20
	.set	SEL_ES, 0x28
	.set	SEL_FS, 0x30
	.set	SEL_GS, 0x38
	.set	SEL_TSS, 0x40
	.set	SEL_LDT, 0x50
	.set	GDT_BYTES, 0x60

	.code16
	.globl	_start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movw	$disk_address_packet, %si
	movb	$0x42, %ah			# %dl is the disk that the BIOS started from
	int	$0x13
	jc	load_failed
	inb	$0x92, %al
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	jmp	start_cpu
load_failed:
	movw	$COM1, %dx
	movb	$'L', %al
	outb	%al, %dx
1:	cli
	hlt
	jmp	1b

	.balign	4, 0
disk_address_packet:
	.byte	16, 0
	.globl	sectors_to_load
sectors_to_load:
	.word	1				# patched
	.word	0x7e00, 0
	.quad	1

	# Patched by whoever puts the program on a disk.
	.org	0x1c0
	.globl	magic, vcpus, laps_per_marker, spin_count, exact_clocks, tsc_slack, late_vcpus, late_halt, tables
magic:
	.ascii	"STA1"
vcpus:
	.long	1
laps_per_marker:
	.long	4
spin_count:
	.long	30000
exact_clocks:
	.long	1
tsc_slack:					# in ticks of the HPET
	.long	100000
late_vcpus:					# of them, how many are started by late_go: those with the highest APIC ids
	.long	0
late_halt:					# 1: they halt instead, with no interrupt that could wake them
	.long	0
	.org	0x1fe
	.word	0xaa55

	# Every vCPU comes here in real mode: the first from above, the others by their start-up interrupt, which wants a page.
	.org	0x400
start_cpu:
	.code16
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	gdt_descriptor
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $protected

	.code32
protected:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	cmpl	$0, next_cpu
	jne	paged				# the page tables are there
	movl	$PML4, %edi
	xorl	%eax, %eax
	movl	$(0x18000 / 4), %ecx		# page tables, IDT and what is shared
	cld
	rep stosl
	movl	$(PML4 + 0x1003), PML4
	movl	$(PML4 + 0x2003), PML4 + 0x1000
	movl	$(PML4 + 0x3003), PML4 + 0x1008
	movl	$(PML4 + 0x4003), PML4 + 0x1010
	movl	$(PML4 + 0x5003), PML4 + 0x1018
	movl	$(PML4 + 0x1003), PML4 + 0xff8
	movl	$(PML4 + 0x5003), PML4 + 0x1ff8
	movl	$(PML4 + 0x2000), %edi
	movl	$0x83, %eax			# 2 MiB each, the first 4 GiB
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	1b
paged:
	movl	$0x6b8, %eax			# DE, PAE, PGE, MCE is 0x40, OSFXSR, OSXMMEXCPT
	orl	$0x40, %eax
	movl	%eax, %cr4
	movl	$PML4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x901, %eax			# SCE, LME, NXE
	wrmsr
	movl	$0x80050033, %eax		# PG, AM, WP, NE, ET, MP, PE
	movl	%eax, %cr0
	ljmp	$SEL_CODE64, $long_mode

	.balign	8, 0
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		# code, 32 bits
	.quad	0x00cf93000000ffff		# data
	.quad	0x00af9b000000ffff		# code, 64 bits
	.quad	0x00cf930000001fff		# data, each with a limit of its own, for %ds, %es, %fs and %gs
	.quad	0x00cf930000002fff
	.quad	0x00cf930000003fff
	.quad	0x00cf930000004fff
	.quad	0x0000890000000067, 0		# TSS and LDT, whose bases are filled in
	.quad	0x000082000000003f, 0
gdt_descriptor:
	.word	GDT_BYTES - 1
	.long	gdt, 0

	.code64
long_mode:
	movl	vcpus, %edx
	subl	late_vcpus, %edx
	movl	APIC + 0x20, %eax		# by this, and not by who comes last: that is a race
	shrl	$24, %eax
	cmpl	%edx, %eax
	jb	2f
	cmpl	$0, late_go
	jne	2f
	lock incl late_waiting
	cmpl	$0, late_halt
	jne	3f
1:	jmp	1b				# it runs until its INIT, which TCG leaves pending for a vCPU that sleeps
3:	hlt					# and should it go on, it makes laps
2:	movl	$1, %eax
	lock xaddq %rax, next_cpu
	movq	%rax, %rcx
	shlq	$16, %rcx
	leaq	CPUS(%rcx), %rbx
	leaq	cpu_stack(%rbx), %rsp
	movq	%rax, cpu_number(%rbx)
	call	set_up_tables
	call	set_up_extended_state
	call	set_up_debugging
	cmpq	$0, cpu_number(%rbx)
	jne	1f
	movb	$'A', %al
	call	put_character
	movq	tables_global_setup, %rbp
	call	run_list
	call	set_up_clocks
	call	find_pci_functions
	call	wait_for_pit
	call	start_others
1:	movl	$0x1ff, APIC + 0xf0		# the local APIC is on
	movq	tables_cpu_setup, %rbp
	call	run_list
	call	set_up_interrupts
	call	set_up_values
	call	measure_tsc
	movq	$1, cpu_capture(%rbx)
	call	lap
	movq	$0, cpu_capture(%rbx)
	lock incq cpus_ready
	cmpq	$0, cpu_number(%rbx)
	jne	others
	movl	vcpus, %eax
	subl	late_vcpus, %eax
1:	pause
	cmpq	%rax, cpus_ready
	jb	1b

	.globl	first_laps
first_laps:
	call	lap
	call	start_late
	movq	cpu_laps(%rbx), %rax
	xorl	%edx, %edx
	movl	laps_per_marker, %ecx
	divq	%rcx
	testq	%rdx, %rdx
	jnz	first_laps
	call	lock_line
	movb	$'B', %al
	call	put_character
	movl	$0, line_lock
	jmp	first_laps

others:
	call	lap
	sti
	hlt					# until the timer of its own wakes it
	cli
	jmp	others

# Set-up. %rbx is the vCPU's block.

set_up_tables:
	cld
	leaq	gdt, %rsi
	leaq	cpu_gdt(%rbx), %rdi
	movl	$(GDT_BYTES / 8), %ecx
	rep movsq
	leaq	cpu_tss(%rbx), %rax
	leaq	cpu_gdt+SEL_TSS(%rbx), %rdi
	call	set_base
	leaq	cpu_ldt(%rbx), %rax
	leaq	cpu_gdt+SEL_LDT(%rbx), %rdi
	call	set_base
	movq	gdt + SEL_DS, %rax
	addq	cpu_number(%rbx), %rax
	movq	%rax, cpu_ldt + 8(%rbx)
	leaq	cpu_trap_stack(%rbx), %rax
	movq	%rax, cpu_tss + 36(%rbx)	# IST 1
	leaq	cpu_nmi_stack(%rbx), %rax
	movq	%rax, cpu_tss + 44(%rbx)	# IST 2
	leaq	cpu_stack(%rbx), %rax
	movq	%rax, cpu_tss + 4(%rbx)		# RSP0, and more that nobody uses
	leaq	0x5a0000(%rbx), %rax
	movq	%rax, cpu_tss + 12(%rbx)
	movw	$(GDT_BYTES - 1), cpu_table(%rbx)
	leaq	cpu_gdt(%rbx), %rax
	movq	%rax, cpu_table + 2(%rbx)
	lgdt	cpu_table(%rbx)
	movl	$SEL_DATA, %eax
	movl	%eax, %ss
	movl	$SEL_DS, %eax
	movl	%eax, %ds
	movl	$SEL_ES, %eax
	movl	%eax, %es
	movl	$SEL_FS, %eax
	movl	%eax, %fs
	movl	$SEL_GS, %eax
	movl	%eax, %gs
	pushq	$SEL_CODE64
	leaq	1f, %rax
	pushq	%rax
	lretq
1:	movl	$SEL_TSS, %eax
	ltr	%ax
	movl	$SEL_LDT, %eax
	lldt	%ax
	cmpq	$0, cpu_number(%rbx)
	jne	3f
	leaq	stubs, %rax			# the first vCPU fills in the IDT
	leaq	IDT, %rdi
	movl	$256, %ecx
2:	movw	%ax, (%rdi)
	movw	$SEL_CODE64, 2(%rdi)
	movw	$0x8e01, 4(%rdi)
	movq	%rax, %rdx
	shrq	$16, %rdx
	movw	%dx, 6(%rdi)
	addq	$16, %rdi
	addq	$16, %rax
	decl	%ecx
	jnz	2b
	movb	$2, IDT + 2 * 16 + 4		# an NMI may come in any other's handler
3:	movw	$0xfff, cpu_table(%rbx)
	movq	$IDT, cpu_table + 2(%rbx)
	lidt	cpu_table(%rbx)
	leaq	cpu_pml4(%rbx), %rdi		# a page directory of its own
	leaq	PML4, %rsi
	movl	$512, %ecx
	rep movsq
	movq	cpu_number(%rbx), %rdx		# and a page table of its own
	imulq	$own_size, %rdx
	leaq	OWN + own_pdpt + 0x23(%rdx), %rax
	movq	%rax, cpu_pml4 + 8(%rbx)
	leaq	OWN + own_directory + 0x23(%rdx), %rax
	movq	%rax, OWN + own_pdpt(%rdx)
	leaq	OWN + own_table + 0x23(%rdx), %rax
	movq	%rax, OWN + own_directory(%rdx)
	leaq	cpu_pml4(%rbx), %rax
	movq	%rax, %cr3
	jmp	clear_own_table

set_base:					# of a descriptor of 16 bytes at %rdi: %rax
	movw	%ax, 2(%rdi)
	shrq	$16, %rax
	movb	%al, 4(%rdi)
	movb	%ah, 7(%rdi)
	ret

set_up_extended_state:				# XSAVE is a must
	movl	$7, %eax
	xorl	%ecx, %ecx
	pushq	%rbx
	cpuid
	movl	%ebx, %esi
	movl	%ecx, %edi
	popq	%rbx
	movq	%cr4, %rax
	orl	$0x40000, %eax			# OSXSAVE
	testl	$1, %esi
	jz	1f
	orl	$0x10000, %eax			# FSGSBASE
1:	testl	$0x80, %esi
	jz	1f
	orl	$0x100000, %eax			# SMEP
1:	testl	$8, %edi
	jz	1f
	orl	$0x400000, %eax			# PKE
1:	movq	%rax, %cr4
	pushq	%rbx
	movl	$0xd, %eax
	xorl	%ecx, %ecx
	cpuid
	popq	%rbx
	andl	$0x2e7, %eax			# x87, SSE, AVX, AVX-512, PKRU
	movq	%rax, cpu_xcr0(%rbx)
	xorl	%edx, %edx
	xorl	%ecx, %ecx
	xsetbv

	leaq	cpu_xsave(%rbx), %rdi
	movw	$0x0a7f, (%rdi)			# FCW: double precision, round up
	movw	$0x1900, 2(%rdi)		# FSW: TOP is 3, C0 is set
	movb	$0xff, 4(%rdi)			# FTW: all in use
	movl	$0xdfcd, 24(%rdi)		# MXCSR: flush to zero, denormals are zeros, round up, some exceptions noted
	movq	cpu_xcr0(%rbx), %rax
	movq	%rax, 512(%rdi)
	movq	cpu_number(%rbx), %rcx
	movabsq	$0x9ac1000000000003, %rax	# ST0 to ST7
	addq	%rcx, %rax
	leaq	32(%rdi), %rdx
	movl	$0x3ff1, %ecx
1:	movq	%rax, (%rdx)
	movw	%cx, 8(%rdx)
	movabsq	$0x0001020304050607, %rsi
	addq	%rsi, %rax
	addq	$16, %rdx
	incl	%ecx
	cmpl	$0x3ff9, %ecx
	jb	1b
	leaq	160(%rdi), %rdi			# XMM0 to XMM15
	movl	$32, %ecx
	call	fill
	movl	$2, %ebp			# and what XSAVE says there is more
2:	btq	%rbp, cpu_xcr0(%rbx)
	jnc	3f
	pushq	%rbx
	movl	$0xd, %eax
	movl	%ebp, %ecx
	cpuid
	movl	%ebx, %edi
	popq	%rbx
	leaq	cpu_xsave(%rbx,%rdi), %rdi
	movl	%eax, %ecx
	shrl	$3, %ecx
	cmpl	$9, %ebp
	jne	1f
	movl	$0x5a5a5a50, (%rdi)		# PKRU
	movl	cpu_number(%rbx), %eax
	shll	$4, %eax
	addl	%eax, (%rdi)
	jmp	3f
1:	call	fill
3:	incl	%ebp
	cmpl	$10, %ebp
	jb	2b
	movl	cpu_xcr0(%rbx), %eax		# what comes back of it: some CPUs keep no FIP
	xorl	%edx, %edx
	xrstor64 cpu_xsave(%rbx)
	movq	$0, cpu_xsave_seen+512(%rbx)
	xsave64	cpu_xsave_seen(%rbx)
	leaq	cpu_xsave_seen(%rbx), %rsi
	leaq	cpu_xsave(%rbx), %rdi
	movl	$512, %ecx
	rep movsq
	ret

fill:						# %ecx quadwords at %rdi with numbers that tell where they belong
	movabsq	$0x9e3779b97f4a7c15, %rdx
	movq	cpu_number(%rbx), %rax
	incq	%rax
	imulq	%rdx, %rax
	xorq	%rdi, %rax
1:	movq	%rax, (%rdi)
	addq	%rdx, %rax
	rolq	$7, %rax
	addq	$8, %rdi
	decl	%ecx
	jnz	1b
	ret

set_up_debugging:
	movl	$trap_here, %eax
	movq	%rax, %dr0
	call	own
	leaq	own_watched(%r13), %rax
	movq	%rax, %dr1
	addq	$16, %rax
	movq	%rax, %dr2
	movq	cpu_number(%rbx), %rcx
	leaq	WATCHED_PORTS(,%rcx,4), %rax
	movq	%rax, %dr3
	movl	$0xffff4ff0, %eax		# a bit that nothing here clears
	movq	%rax, %dr6
	movl	$0xe790049b, %eax		# DR0: instruction; DR1: 8 bytes written, DR2: 2 bytes read or written, DR3: 4 ports; locally, globally or both
	movq	%rax, %dr7
	ret

start_others:
	cmpl	$1, vcpus
	je	1f
	movl	$0, APIC + 0x310
	movl	$0xc4500, APIC + 0x300		# INIT to all others
	movl	$(HPET_MILLISECOND / 5), %ecx
	call	wait
	movl	$0xc4608, APIC + 0x300		# and start them at 0x8000
	movl	$(HPET_MILLISECOND / 5), %ecx
	call	wait
	movl	late_vcpus, %eax
2:	pause
	cmpl	%eax, late_waiting
	jb	2b
	cmpl	$0, late_halt
	jne	1f
	movl	$0x4500, %r13d			# some get another INIT, and no start-up interrupt yet
	call	send_late
1:	ret

send_late:					# %r13d to each vCPU that is late
	movl	vcpus, %r14d
	subl	late_vcpus, %r14d
1:	cmpl	vcpus, %r14d
	jae	2f
	movl	%r14d, %eax
	shll	$24, %eax
	movl	%eax, APIC + 0x310
	movl	%r13d, APIC + 0x300
	movl	$(HPET_MILLISECOND / 5), %ecx
	call	wait
	incl	%r14d
	jmp	1b
2:	ret

start_late:
	cmpl	$0, late_go
	je	1f
	cmpl	$0, late_gone
	jne	1f
	movl	$1, late_gone
	movl	APIC + 0x310, %r12d
	movl	$0x4608, %r13d
	call	send_late
	movl	%r12d, APIC + 0x310		# and what was sent last is again what it was: a request that is there already
	movl	$(0x44000 | VECTOR_PENDING), APIC + 0x300
1:	ret

wait:						# %ecx ticks of the HPET
	call	read_hpet
	leaq	(%rax,%rcx), %rcx
1:	pause
	call	read_hpet
	cmpq	%rcx, %rax
	jb	1b
	ret

set_up_clocks:
	movw	$0xc390, trap_here
	orl	$1, HPET + 0x10
	movb	$0x34, %al			# counter 0 of the PIT: mode 2
	outb	%al, $0x43
	movl	$pit0_count, %eax
	outb	%al, $0x40
	movb	%ah, %al
	outb	%al, $0x40
	inb	$0x61, %al			# counter 2 counts, the speaker is silent
	andb	$0xfc, %al
	outb	%al, $0x61
	movb	$0xb4, %al
	outb	%al, $0x43
	movl	$pit2_count, %eax
	outb	%al, $0x42
	movb	%ah, %al
	outb	%al, $0x42
	inb	$0x61, %al
	orb	$1, %al
	outb	%al, $0x61
	ret

# One interrupt in service, one requested that must wait for it, and a timer.
set_up_interrupts:
	movl	$(0x44000 | VECTOR_IN_SERVICE), APIC + 0x300	# to itself
	sti
1:	pause
	cmpq	$0, cpu_in_service(%rbx)
	je	1b
	cli
	movl	$(0x44000 | VECTOR_PENDING), APIC + 0x300
1:	testl	$(1 << (VECTOR_PENDING & 31)), APIC + 0x200 + (VECTOR_PENDING / 32 * 16)
	jz	1b
	movl	$0x2, %eax			# the task priority
	movq	%rax, %cr8
	movl	$3, APIC + 0x3e0		# divided by 16
	movl	$apic_initial_count, %ecx
	movl	$vector_timer, %eax		# the third vCPU's strikes once, and is set anew by its interrupt
	cmpq	$ONE_SHOT_CPU, cpu_number(%rbx)
	je	1f
	orl	$0x20000, %eax			# periodic
	jmp	2f
1:	movl	$one_shot_count, %ecx
2:	movl	%eax, APIC + 0x320
	movl	%ecx, APIC + 0x380
	ret

# What general registers hold in a lap.
set_up_values:
	leaq	cpu_expected_registers(%rbx), %rdi
	movabsq	$0x0123456789abcdef, %rax
	movabsq	$0x1111111111111111, %rcx
	movq	cpu_number(%rbx), %rdx
	shlq	$56, %rdx
	xorq	%rdx, %rax
	movl	$16, %edx
1:	movq	%rax, (%rdi)
	addq	%rcx, %rax
	rolq	$5, %rax
	addq	$8, %rdi
	decl	%edx
	jnz	1b
	movq	$0x243cd7, cpu_expected_registers + 16*8(%rbx)	# all arithmetic flags, DF, IOPL 3, AC, ID
	cmpq	$0, cpu_number(%rbx)
	je	1f
	orl	$0x200, cpu_expected_registers + 16*8(%rbx)	# and IF: these take interrupts as they spin
1:	movabsq	$0xffffc0de00c20000, %rax
	addq	cpu_number(%rbx), %rax
	movq	%rax, %cr2
	ret

# TSC ticks in 1024 of the HPET's, over 12 ms, and how wrong that may be.
measure_tsc:
	call	read_both
	movq	%rax, %r10
	movq	%r8, %r11
	movq	%r9, %r12
	movl	$(12 * HPET_MILLISECOND), %ecx
	call	wait
	call	read_both
	subq	%r10, %rax			# TSC ticks
	movq	%r8, %rcx
	subq	%r11, %rcx			# HPET ticks
	addq	%r12, %r9			# by which they may be wrong
	shlq	$10, %rax
	xorl	%edx, %edx
	divq	%rcx
	movq	%rax, cpu_tsc_rate(%rbx)
	movq	%r9, %rax
	shlq	$10, %rax
	xorl	%edx, %edx
	divq	%rcx
	addq	$8, %rax
	movq	%rax, cpu_tsc_error(%rbx)
	ret

# TSC in %rax, HPET in %r8, and in %r9 how long that took, which is short: whoever is not let run in between tries again.
read_both:
	movl	$200, %ecx
1:	call	read_hpet
	movq	%rax, %r8
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %rsi
	call	read_hpet
	movq	%rax, %r9
	subq	%r8, %r9
	cmpq	$(HPET_MILLISECOND / 50), %r9
	jb	2f
	decl	%ecx
	jnz	1b
2:	movq	%rsi, %rax
	ret

# The PIT's first interrupt, which the PIC then keeps as pending; not for ever: if it does not come, later laps will tell.
wait_for_pit:
	call	read_hpet
	leaq	2*HPET_SECOND(%rax), %rcx
1:	movb	$0x0a, %al
	outb	%al, $0x20
	inb	$0x20, %al
	testb	$1, %al
	jnz	2f
	pause
	call	read_hpet
	cmpq	%rcx, %rax
	jb	1b
2:	ret

# A lap. %rbx is the vCPU's block.

lap:
	incq	cpu_laps(%rbx)
	cmpq	$0, cpu_number(%rbx)
	jne	1f
	movq	tables_before, %rbp
	call	run_list
	call	latch_pit2
1:	call	store
	call	check_registers
	call	check_extended_state
	call	check_computed
	call	check_stores
	call	check_control
	movq	tables_cpu_check, %rbp
	call	run_list
	call	check_tsc
	call	check_apic_timer
	cmpq	$0, cpu_number(%rbx)
	jne	1f
	call	check_latched_pit2
	movq	tables_after, %rbp
	call	run_list
	call	check_clocks
	call	check_low_memory
	call	check_pci
	sti					# what has come
	nop
	nop
	cli
	call	check_hpet_interrupts
	call	dirty
1:	call	check_timer_interrupts
	ret

# Stores of the lap's number, of which each is looked at after the spin: a page that only such a store writes to is behind where QEMU did not notice it.

own:						# %r13: its pages; %r12: the lap, twice
	movq	cpu_number(%rbx), %r13
	imulq	$own_size, %r13
	addq	$OWN, %r13
	movl	cpu_laps(%rbx), %r12d
	movq	%r12, %rax
	shlq	$32, %rax
	orq	%rax, %r12
	ret

store:
	call	own
	movq	%r12, own_first_busy(%r13)
	movq	%r12, own_across_first_busy(%r13)
	movq	%r12, own_second_busy(%r13)
	movq	%r12, own_across_second_busy(%r13)
	movq	%r12, %xmm0
	punpcklqdq %xmm0, %xmm0
	movups	%xmm0, own_across_sse(%r13)
	btsq	$63, %r12			# as a number of the x87 has it
	movq	%r12, cpu_ten_bytes(%rbx)
	movw	$0x3fff, cpu_ten_bytes + 8(%rbx)
	fninit
	fldt	cpu_ten_bytes(%rbx)
	fstpt	own_across_x87(%r13)
	btrq	$63, %r12
	movq	%rsp, %r14			# nothing may interrupt here, but for what has a stack of its own
	leaq	own_across_push + 8(%r13), %rsp
	pushq	%r12
	leaq	own_push + 8(%r13), %rsp
	pushq	%r12
	movq	%r14, %rsp
	movq	%rbx, %r15
	movq	own_cmpxchg16b(%r13), %rax
	movq	own_cmpxchg16b + 8(%r13), %rdx
	movq	%r12, %rbx
	movq	%r12, %rcx
	lock cmpxchg16b own_cmpxchg16b(%r13)
	movq	%r15, %rbx
	movq	%r12, %rax
	xchgq	%rax, own_xchg(%r13)
	# The next entry of its page table is used for the first time; of these the CPU marks each as accessed, every other one as written.
	movl	cpu_laps(%rbx), %ecx
	andl	$511, %ecx
	jz	clear_own_table
	movabsq	$OWN_VIRTUAL, %rdx
	movl	%ecx, %eax
	shll	$12, %eax
	addq	%rax, %rdx
	testb	$1, %cl
	jnz	1f
	movq	%r12, (%rdx)
	ret
1:	movq	(%rdx), %rax
	ret

clear_own_table:
	movq	cpu_number(%rbx), %rdi
	imulq	$own_size, %rdi
	leaq	OWN + own_shown + 3(%rdi), %rax
	addq	$(OWN + own_table), %rdi
	movl	$512, %ecx
	rep stosq
	movq	%cr3, %rax
	movq	%rax, %cr3
	ret

	# The quadword at %r13 and the offset, against %rsi.
	.macro	expect_own offset, name
	movq	\offset(%r13), %rdx
	movl	$(item_\name), %edi
	call	report_other
	.endm

check_stores:
	call	own
	movq	%r12, %rsi
	expect_own own_across_first_busy, store_across_pages_of_which_the_first_is_busy
	expect_own own_across_second_busy, store_across_pages_of_which_the_second_is_busy
	expect_own own_across_sse, SSE_store_across_pages_first_page
	expect_own own_across_sse + 8, SSE_store_across_pages_second_page
	expect_own own_across_push, push_across_pages
	expect_own own_push, push_to_a_page_of_its_own
	expect_own own_cmpxchg16b, cmpxchg16b_low_half
	expect_own own_cmpxchg16b + 8, cmpxchg16b_high_half
	expect_own own_xchg, xchg
	btsq	$63, %rsi
	expect_own own_across_x87, x87_store_across_pages
	movl	cpu_laps(%rbx), %ebp
	andl	$511, %ebp
	jz	2f
	movl	cpu_laps(%rbx), %esi		# the last lap of which the number is even
	andl	$~1, %esi
	movq	%rsi, %rax
	shlq	$32, %rax
	orq	%rax, %rsi
	cmpl	$1, %ebp			# right after it has been cleared there is no such lap
	je	1f
	expect_own own_shown, store_through_its_own_page_table
1:	xorl	%r8d, %r8d
4:	leaq	own_shown + 0x23(%r13), %rax	# present, writable, accessed
	testl	$1, %ebp
	jnz	3f
	addq	$0x40, %rax			# and written
3:	cmpq	%rax, own_table(%r13,%rbp,8)
	je	5f
	movq	%rax, %r8			# of those that are wrong the first is told, and all are put right
	movq	%rax, %rsi
	movq	own_table(%r13,%rbp,8), %rdx
	movq	%rax, own_table(%r13,%rbp,8)
5:	decl	%ebp
	jnz	4b
	movl	$item_page_table_entry_that_the_CPU_marked, %edi
	testq	%r8, %r8
	jnz	report
2:	ret

report_other:					# unless %rdx is %rsi
	cmpq	%rsi, %rdx
	jne	report
	ret

dirty:
	movl	$DIRTIED, %eax
1:	incl	(%rax)
	addl	$0x1000, %eax
	cmpl	$(DIRTIED + DIRTIED_PAGES * 0x1000), %eax
	jb	1b
	ret

	.set	saved, 0
	.macro	save register
	movq	%\register, cpu_registers + saved(%rsp)
	.set	saved, saved + 8
	.endm

check_registers:
	xorq	$0x8d5, cpu_expected_registers + 16*8(%rbx)	# the other flags in each lap
	xorw	$0x0e00, cpu_xsave(%rbx)	# and another rounding: up, in double precision, or down, in single
	xorl	$0x6000, cpu_xsave + 24(%rbx)	# up or down
	movl	spin_count, %eax
	movq	%rax, cpu_registers(%rbx)
	movl	cpu_xcr0(%rbx), %eax
	xorl	%edx, %edx
	xrstor64 cpu_xsave(%rbx)
	pushq	cpu_expected_registers + 16*8(%rbx)
	movq	cpu_expected_registers + 0*8(%rbx), %rax
	movq	cpu_registers(%rbx), %rcx
	movq	cpu_expected_registers + 3*8(%rbx), %rdx
	movq	cpu_expected_registers + 4*8(%rbx), %rsi
	movq	cpu_expected_registers + 5*8(%rbx), %rdi
	movq	cpu_expected_registers + 6*8(%rbx), %rbp
	movq	cpu_expected_registers + 8*8(%rbx), %r8
	movq	cpu_expected_registers + 9*8(%rbx), %r9
	movq	cpu_expected_registers + 10*8(%rbx), %r10
	movq	cpu_expected_registers + 11*8(%rbx), %r11
	movq	cpu_expected_registers + 12*8(%rbx), %r12
	movq	cpu_expected_registers + 13*8(%rbx), %r13
	movq	cpu_expected_registers + 14*8(%rbx), %r14
	movq	cpu_expected_registers + 15*8(%rbx), %r15
	movq	cpu_expected_registers + 1*8(%rbx), %rbx
	popfq
	.globl	spin, spun
spin:	leaq	-1(%rcx), %rcx			# leaves the flags alone
	jrcxz	spun
	jmp	spin
spun:	pushfq
	cli
	cld
	pushq	%rbx				# the stack pointer tells whose block it is
	movq	%rsp, %rbx
	andq	$~0xffff, %rbx
	movq	%rax, cpu_registers + 0*8(%rbx)
	popq	%rax
	movq	%rax, cpu_registers + 1*8(%rbx)
	movq	%rcx, cpu_registers + 2*8(%rbx)
	movq	%rdx, cpu_registers + 3*8(%rbx)
	movq	%rsi, cpu_registers + 4*8(%rbx)
	movq	%rdi, cpu_registers + 5*8(%rbx)
	movq	%rbp, cpu_registers + 6*8(%rbx)
	movq	%r8, cpu_registers + 8*8(%rbx)
	movq	%r9, cpu_registers + 9*8(%rbx)
	movq	%r10, cpu_registers + 10*8(%rbx)
	movq	%r11, cpu_registers + 11*8(%rbx)
	movq	%r12, cpu_registers + 12*8(%rbx)
	movq	%r13, cpu_registers + 13*8(%rbx)
	movq	%r14, cpu_registers + 14*8(%rbx)
	movq	%r15, cpu_registers + 15*8(%rbx)
	popq	%rax
	movq	%rax, cpu_registers + 16*8(%rbx)
	movq	%rsp, cpu_registers + 7*8(%rbx)
	leaq	cpu_stack - 16(%rbx), %rax	# two return addresses are on it
	movq	%rax, cpu_expected_registers + 7*8(%rbx)
	movq	$0, cpu_expected_registers + 2*8(%rbx)
	movl	cpu_xcr0(%rbx), %eax
	xorl	%edx, %edx
	movq	$0, cpu_xsave_seen+512(%rbx)
	xsave64	cpu_xsave_seen(%rbx)
	call	compute
	xorl	%ebp, %ebp
1:	movq	cpu_expected_registers(%rbx,%rbp,8), %rsi
	movq	cpu_registers(%rbx,%rbp,8), %rdx
	cmpq	%rsi, %rdx
	je	2f
	leal	item_rax(%rbp), %edi
	call	report
2:	incl	%ebp
	cmpl	$17, %ebp
	jb	1b
	ret

# Control words do not only come back, they still work: no one has loaded them since before the spin.
compute:
	cvtpd2dq operands_to_round, %xmm0
	movq	%xmm0, cpu_computed(%rbx)
	movups	dividends, %xmm1
	divps	divisors, %xmm1
	movups	%xmm1, cpu_computed + 8(%rbx)
	stmxcsr	cpu_computed + 40(%rbx)		# QEMU notes now what it would else keep aside, and lose: docs/findings.md
	fstp	%st(0)				# all eight are in use
	fstp	%st(0)
	fld1
	fdivs	divisors
	fstpt	cpu_ten_bytes(%rbx)
	movq	cpu_ten_bytes(%rbx), %rax
	movq	%rax, cpu_computed + 24(%rbx)
	fldl	operands_to_round
	fistpll	cpu_computed + 32(%rbx)
	ret

check_computed:
	leaq	computed_down, %r8
	testb	$0x20, cpu_xsave + 25(%rbx)
	jnz	1f
	leaq	computed_up, %r8
1:	xorl	%ebp, %ebp
2:	movq	(%r8,%rbp,8), %rsi
	movq	cpu_computed(%rbx,%rbp,8), %rdx
	leal	item_SSE_conversion_to_integers(%rbp), %edi
	call	report_other
	incl	%ebp
	cmpl	$5, %ebp
	jb	2b
	ret

	.balign	16, 0
	.globl	operands_to_round
operands_to_round:
	.double	1.25, -1.25
dividends:
	.long	0x3f800000, 0xbf800000, 0x00800000, 0x00400000	# 1, -1, the smallest that is not denormal, a denormal
divisors:
	.long	0x40400000, 0x40400000, 0x40000000, 0x3a800000	# 3, 3, 2, 2^-10
computed_up:
	.long	2, -1, 0x3eaaaaab, 0xbeaaaaaa, 0, 0
	.quad	0xaaaaaaaaaaaab000, 2
computed_down:
	.long	1, -2, 0x3eaaaaaa, 0xbeaaaaab, 0, 0
	.quad	0xaaaaaa0000000000, 1

check_extended_state:
	xorl	%ebp, %ebp
1:	movq	cpu_xsave(%rbx,%rbp), %rsi
	movq	cpu_xsave_seen(%rbx,%rbp), %rdx
	cmpq	%rsi, %rdx
	je	2f
	leal	item_extended_state(%rbp), %edi
	call	report
2:	addl	$8, %ebp
	cmpl	$0xb00, %ebp
	jb	1b
	ret

# Compares %rax with what the item had at first.
	.macro	expect name
	movl	$(item_\name), %edi
	call	compare
	.endm

check_control:
	movq	%cr0, %rax
	expect	cr0
	movq	%cr2, %rax
	expect	cr2
	movq	%cr3, %rax
	expect	cr3
	movq	%cr4, %rax
	expect	cr4
	movq	%cr8, %rax
	expect	cr8
	xorl	%ecx, %ecx
	xgetbv
	expect	xcr0
	movq	%dr0, %rax
	expect	dr0
	movq	%dr1, %rax
	expect	dr1
	movq	%dr2, %rax
	expect	dr2
	movq	%dr3, %rax
	expect	dr3
	movq	%dr7, %rax
	expect	dr7
	xorl	%eax, %eax
	movl	%cs, %eax
	expect	cs
	movl	%ds, %eax
	expect	ds
	movl	%es, %eax
	expect	es
	movl	%fs, %eax
	expect	fs
	movl	%gs, %eax
	expect	gs
	movl	%ss, %eax
	expect	ss
	xorl	%eax, %eax
	str	%ax
	expect	tr
	xorl	%eax, %eax
	sldt	%ax
	expect	ldtr
	xorl	%eax, %eax
	movl	$0xc, %ecx			# its only descriptor, whose limit is of this vCPU alone
	lsl	%ecx, %eax
	expect	ldt_entry
	sgdt	cpu_table(%rbx)
	movzwl	cpu_table(%rbx), %eax
	expect	gdt_limit
	movq	cpu_table + 2(%rbx), %rax
	expect	gdt_base
	sidt	cpu_table(%rbx)
	movzwl	cpu_table(%rbx), %eax
	expect	idt_limit
	movq	cpu_table + 2(%rbx), %rax
	expect	idt_base
	leaq	cpu_gdt(%rbx), %rsi
	movl	$((cpu_tables_end - cpu_gdt) / 8), %ecx
	call	sum
	expect	descriptor_tables
	leaq	IDT, %rsi
	movl	$512, %ecx
	call	sum
	expect	idt_contents
	# Each breakpoint fires once, at the last byte of what it watches, and at nothing beside it.
	call	own
	movl	$trap_here, %eax
	call	*%rax
	movb	own_watched + 7(%r13), %al
	movb	%al, own_watched + 8(%r13)
	movb	%al, own_watched + 7(%r13)
	movb	%al, own_watched + 15(%r13)
	movb	own_watched + 17(%r13), %al
	movb	own_watched + 18(%r13), %al	# after it TCG takes DR2 no more for one that has just fired
	movq	cpu_number(%rbx), %rcx
	leaq	WATCHED_PORTS + 4(,%rcx,4), %rdx
	inb	%dx, %al
	decl	%edx
	inb	%dx, %al
	movq	%dr6, %rax
	expect	dr6
	movl	$0x01020408, %esi
	movq	cpu_fired(%rbx), %rdx
	movq	$0, cpu_fired(%rbx)
	movl	$item_breakpoints_that_fired_in_order, %edi
	call	report_other
	movq	cpu_in_service(%rbx), %rax
	expect	in_service_interrupts
	ret

# The sum of %ecx quadwords at %rsi, in %rax.
sum:
	xorl	%eax, %eax
1:	addq	(%rsi), %rax
	rolq	$1, %rax
	addq	$8, %rsi
	decl	%ecx
	jnz	1b
	ret

# %edi: an item of the first 128 that are not in tables; %rax: what it is now.
compare:
	movq	%rax, %rdx
	leaq	cpu_natives - 8*0x400(%rbx,%rdi,8), %rcx
	cmpq	$0, cpu_capture(%rbx)
	jne	1f
	movq	(%rcx), %rsi
	cmpq	%rsi, %rdx
	je	2f
	movq	%rdx, (%rcx)
	jmp	report
1:	movq	%rdx, (%rcx)
2:	ret

# Lists of operations, at %rbp: kind, register, item, address, value or mask, step.

run_list:
	movzbl	(%rbp), %ecx
	movzwl	2(%rbp), %edi
	movl	4(%rbp), %edx
	movq	16(%rbp), %rax
	imulq	cpu_number(%rbx), %rax
	addq	8(%rbp), %rax
	jmp	*operations(,%rcx,8)
next_operation:
	addq	$24, %rbp
	jmp	run_list
operation_end:
	ret
out8:	outb	%al, %dx
	jmp	next_operation
out16:	outw	%ax, %dx
	jmp	next_operation
out32:	outl	%eax, %dx
	jmp	next_operation
in8:	xorl	%eax, %eax
	inb	%dx, %al
	jmp	compare_masked
in16:	xorl	%eax, %eax
	inw	%dx, %ax
	jmp	compare_masked
in32:	inl	%dx, %eax
	jmp	compare_masked
write32:
	movl	%eax, (%rdx)
	jmp	next_operation
read32:	movl	(%rdx), %eax
	jmp	compare_masked
write_msr:
	movl	%edx, %ecx
	movq	%rax, %rdx
	shrq	$32, %rdx
	movq	$1, cpu_fixup(%rbx)
	wrmsr
	movq	$0, cpu_fixup(%rbx)
	jmp	next_operation
read_msr:
	movl	%edx, %ecx
	movq	$1, cpu_fixup(%rbx)
	rdmsr
	movq	$0, cpu_fixup(%rbx)
	shlq	$32, %rdx
	orq	%rdx, %rax
	jmp	compare_masked
read_cpuid:
	pushq	%rbx
	pushq	%rdi
	movl	16(%rbp), %ecx			# the leaf's part; the step of a read means nothing
	movl	%edx, %eax
	cpuid
	cmpb	$1, 1(%rbp)
	cmovel	%ebx, %eax
	cmpb	$2, 1(%rbp)
	cmovel	%ecx, %eax
	cmpb	$3, 1(%rbp)
	cmovel	%edx, %eax
	popq	%rdi
	popq	%rbx
compare_masked:
	andq	8(%rbp), %rax
	leaq	cpu_baselines(%rbx,%rdi,8), %rcx
	cmpq	$0, cpu_capture(%rbx)
	jne	1f
	movq	(%rcx), %rsi
	cmpq	%rsi, %rax
	je	next_operation
	movq	%rax, %rdx
	movq	%rdx, (%rcx)
	call	report
	jmp	next_operation
1:	movq	%rax, (%rcx)
	jmp	next_operation

	.balign	8, 0
operations:
	.quad	operation_end, out8, out16, out32, in8, in16, in32, write32, read32, write_msr, read_msr, read_cpuid

# Clocks.

read_hpet:					# %rax; the counter is read in halves
	movl	HPET + 0xf4, %edx
	movl	HPET + 0xf0, %eax
	cmpl	HPET + 0xf4, %edx
	jne	read_hpet
	shlq	$32, %rdx
	orq	%rdx, %rax
	ret

# The TSC goes on as the HPET does, since the last lap.
check_tsc:
	movq	cpu_hpet(%rbx), %r8		# last time: before and after
	movq	cpu_hpet_after(%rbx), %r9
	movq	cpu_tsc(%rbx), %r10
	call	read_hpet
	movq	%rax, cpu_hpet(%rbx)
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, cpu_tsc(%rbx)
	call	read_hpet
	movq	%rax, cpu_hpet_after(%rbx)
	cmpq	$0, cpu_capture(%rbx)
	jne	2f
	movq	cpu_hpet(%rbx), %rdx
	cmpq	%r9, %rdx			# never back
	jge	1f
	movq	%r9, %rsi
	movl	$item_hpet_counter, %edi
	call	report
	ret
1:	movq	cpu_tsc(%rbx), %rdx
	subq	%r10, %rdx
	js	3f
	shlq	$10, %rdx
	movq	%rdx, %rax
	xorl	%edx, %edx
	divq	cpu_tsc_rate(%rbx)		# %rax: ticks of the HPET by the TSC
	movq	cpu_hpet(%rbx), %rcx
	subq	%r9, %rcx			# the fewest
	movq	cpu_hpet_after(%rbx), %rdx
	subq	%r8, %rdx			# the most
	movq	%rdx, %rsi			# the rate was measured in a short time
	imulq	cpu_tsc_error(%rbx), %rsi
	shrq	$10, %rsi
	subq	%rsi, %rcx
	movl	tsc_slack, %edi
	subq	%rdi, %rcx
	addq	%rsi, %rdx
	addq	%rdi, %rdx
	cmpq	%rcx, %rax
	jl	4f
	cmpq	%rdx, %rax
	jg	4f
2:	ret
3:	xorl	%eax, %eax
	subq	$1, %rax
	movq	cpu_hpet(%rbx), %rdx
	subq	%r8, %rdx
4:	movq	cpu_hpet_after(%rbx), %rsi	# expected and seen: ticks of the HPET, since the last lap
	subq	%r8, %rsi
	movq	%rax, %rdx
	movl	$item_tsc, %edi
	jmp	report

check_apic_timer:
	cmpl	$0, exact_clocks
	je	1f
	cmpq	$ONE_SHOT_CPU, cpu_number(%rbx)	# when it was set is not known to the tick
	je	1f
	call	read_hpet
	movq	%rax, %r8
	movl	$apic_initial_count, %r10d
	subl	APIC + 0x390, %r10d		# how far it has come
	call	read_hpet
	movq	%rax, %r9
	movl	$62500000, %r11d
	movl	$(apic_initial_count + 1), %ecx
	movl	$CLOCK_APIC, %ebp
	movl	$item_apic_timer, %edi
	jmp	check_clock
1:	ret

check_clocks:
	cmpl	$0, exact_clocks
	je	1f
	call	read_hpet
	movq	%rax, %r8
	xorl	%eax, %eax			# latch counter 0
	outb	%al, $0x43
	call	read_hpet
	movq	%rax, %r9
	xorl	%eax, %eax
	inb	$0x40, %al
	movl	%eax, %ecx
	inb	$0x40, %al
	shll	$8, %eax
	orl	%eax, %ecx
	movl	$pit0_count, %r10d
	subl	%ecx, %r10d
	movl	$1193182, %r11d
	movl	$pit0_count, %ecx
	movl	$CLOCK_PIT0, %ebp
	movl	$item_pit0_counter, %edi
	call	check_clock
	call	read_hpet
	movq	%rax, %r8
	movl	$0x608, %edx
	inl	%dx, %eax
	movl	%eax, %r10d
	call	read_hpet
	movq	%rax, %r9
	movl	$3579545, %r11d
	movl	$0x1000000, %ecx
	movl	$CLOCK_PM, %ebp
	movl	$item_pm_timer, %edi
	call	check_clock
1:	ret

# Counter 2 is latched, and half of it read, before the registers are filled; the other half comes after.
latch_pit2:
	call	read_hpet
	movq	%rax, cpu_latch_before(%rbx)
	movb	$0x80, %al
	outb	%al, $0x43
	call	read_hpet
	movq	%rax, cpu_latch_after(%rbx)
	xorl	%eax, %eax
	inb	$0x42, %al
	movq	%rax, cpu_latch_low(%rbx)
	ret

check_latched_pit2:
	xorl	%eax, %eax
	inb	$0x42, %al
	cmpl	$0, exact_clocks
	je	1f
	shll	$8, %eax
	orl	cpu_latch_low(%rbx), %eax
	movl	$pit2_count, %r10d
	subl	%eax, %r10d
	movq	cpu_latch_before(%rbx), %r8
	movq	cpu_latch_after(%rbx), %r9
	movl	$1193182, %r11d
	movl	$pit2_count, %ecx
	movl	$CLOCK_PIT2, %ebp
	movl	$item_pit2_latched_counter, %edi
	jmp	check_clock
1:	ret

# A clock read between two readings of the HPET, %r8 and %r9, shows what it must at a time between these.
# %r10: its count since it began; %r11: its ticks in a second; %rcx: where it begins again; %ebp: its number; %edi: its item.
check_clock:
	shll	$4, %ebp
	leaq	cpu_clocks(%rbx,%rbp), %rbp
	movl	$HPET_SECOND, %esi
	movq	%r8, %rax
	mulq	%r11
	divq	%rsi
	movq	%rax, %r8			# its ticks at the first reading
	movq	%r9, %rax
	mulq	%r11
	divq	%rsi
	subq	%r8, %rax
	movq	%rax, %r9			# and from there to the second
	movq	%r8, %rax
	xorl	%edx, %edx
	divq	%rcx
	subq	%rdx, %r10
	addq	%rcx, %r10			# by how much it is ahead of the first reading
	movq	%r10, %rax
	cqto
	idivq	%rcx
	testq	%rdx, %rdx
	jns	1f
	addq	%rcx, %rdx
1:	cmpq	$0, cpu_capture(%rbx)
	je	2f
	movq	%rdx, (%rbp)
	movq	%r9, 8(%rbp)
	ret
2:	movq	%rdx, %rax
	subq	(%rbp), %rax
	addq	8(%rbp), %rax			# as wrong as it may have been when it was first read
	addq	$4, %rax
	addq	%rcx, %rax
	xorl	%edx, %edx
	divq	%rcx				# %rdx: ahead of the earliest that is right
	movq	8(%rbp), %rsi
	leaq	8(%r9,%rsi), %rsi
	cmpq	%rsi, %rdx
	ja	3f
	ret
3:	movq	%rdx, %rax			# what it shows now is what counts from here on
	subq	8(%rbp), %rax
	subq	$4, %rax
	addq	%rax, (%rbp)
	movq	%r9, 8(%rbp)
	jmp	report

# Interrupts keep coming: none for five seconds is a loss.
check_timer_interrupts:
	movq	cpu_timers(%rbx), %rax
	leaq	cpu_timers_seen(%rbx), %rsi
	movl	$item_apic_timer_interrupts, %edi
	jmp	check_coming
check_hpet_interrupts:
	movq	cpu_hpets(%rbx), %rax
	leaq	cpu_hpets_seen(%rbx), %rsi
	movl	$item_hpet_interrupts, %edi
check_coming:
	movq	cpu_hpet(%rbx), %rdx
	cmpq	(%rsi), %rax
	je	1f
	movq	%rax, (%rsi)
	movq	%rdx, 8(%rsi)
	ret
1:	subq	8(%rsi), %rdx
	cmpq	$(5 * HPET_SECOND), %rdx
	jb	2f
	addq	%rdx, 8(%rsi)
	xorl	%esi, %esi			# expected none, seen: ticks of the HPET without one
	jmp	report
2:	ret

# Memory below 1 MiB, 64 KiB in a lap, without what is a window to a display.
check_low_memory:
	movq	cpu_laps(%rbx), %rbp
	andl	$15, %ebp
	cmpq	$0, cpu_capture(%rbx)
	jne	sum_low_memory
	call	sum_low_memory_of
	je	1f
	movq	%rax, %rdx
	leal	item_low_memory(%rbp), %edi
	jmp	report
1:	ret
sum_low_memory:					# all of it, so that none goes unsummed into a migration
	movl	$15, %ebp
1:	call	sum_low_memory_of
	decl	%ebp
	jns	1b
	ret
sum_low_memory_of:				# %ebp: which; is it what it was?
	leal	-10(%rbp), %eax
	cmpl	$1, %eax			# 10 and 11
	jbe	1f
	movl	%ebp, %esi
	shll	$16, %esi
	movl	$0x2000, %ecx
	call	sum
	movq	low_memory_sums(,%rbp,8), %rsi
	movq	%rax, low_memory_sums(,%rbp,8)
	cmpq	%rsi, %rax
	ret
1:	cmpl	%eax, %eax
	ret

# PCI: the configuration space of each function of bus 0.

find_pci_functions:
	xorl	%ebp, %ebp			# device and function
	xorl	%ecx, %ecx
1:	movl	%ebp, %eax
	shll	$8, %eax
	orl	$0x80000000, %eax
	movl	%eax, %esi
	movl	$0xcf8, %edx
	outl	%eax, %dx
	movl	$0xcfc, %edx
	inl	%dx, %eax
	cmpl	$-1, %eax
	je	2f
	movl	%esi, pci_addresses(,%rcx,4)
	incl	%ecx
	leal	0x3c(%rsi), %eax		# an interrupt line of its own
	movl	$0xcf8, %edx
	outl	%eax, %dx
	movl	$0xcfc, %edx
	movl	%ebp, %eax
	xorb	$0xa5, %al
	outb	%al, %dx
2:	incl	%ebp
	cmpl	$256, %ebp
	jae	3f
	cmpl	$PCI_FUNCTIONS, %ecx
	jb	1b
3:	movq	%rcx, pci_count
	ret

check_pci:					# a function in a lap
	movq	cpu_laps(%rbx), %rax
	cmpq	$0, cpu_capture(%rbx)
	jne	check_all_pci
	xorl	%edx, %edx
	divq	pci_count
	movl	%edx, %ecx
check_pci_function:
	movl	pci_addresses(,%rcx,4), %esi
	movl	%ecx, %ebp
	shll	$8, %ebp
	addl	$PCI_SEEN, %ebp
	movl	$64, %ecx
1:	movl	%esi, %eax
	movl	$0xcf8, %edx
	outl	%eax, %dx
	movl	$0xcfc, %edx
	inl	%dx, %eax
	cmpq	$0, cpu_capture(%rbx)
	jne	2f
	cmpl	(%rbp), %eax
	je	2f
	pushq	%rsi
	pushq	%rcx
	pushq	%rax
	movl	%esi, %edi
	andl	$0xffff, %edi
	addl	$item_pci, %edi
	movl	%eax, %edx
	movl	(%rbp), %esi
	call	report
	popq	%rax
	popq	%rcx
	popq	%rsi
2:	movl	%eax, (%rbp)
	addl	$4, %esi
	addl	$4, %ebp
	decl	%ecx
	jnz	1b
	ret
check_all_pci:
	xorl	%ecx, %ecx
1:	pushq	%rcx
	call	check_pci_function
	popq	%rcx
	incl	%ecx
	cmpl	%ecx, pci_count
	ja	1b
	ret

# Reports.

put_character:					# %al
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	movl	$COM1 + 5, %edx
	movl	$MOST_POLLS, %ecx		# a reader that is late loses nothing, one that never comes does not stop the guest
1:	inb	%dx, %al
	testb	$0x20, %al
	loopz	1b
	movl	$COM1, %edx
	movb	16(%rsp), %al
	outb	%al, %dx
	popq	%rdx
	popq	%rcx
	popq	%rax
	ret

lock_line:					# for this vCPU; 0 in %eax, or its number and 1 where it has it: it was interrupted in the middle of a line
	pushq	%rcx
	movl	cpu_number(%rbx), %ecx
	incl	%ecx
1:	xorl	%eax, %eax
	lock cmpxchgl	%ecx, line_lock
	je	2f
	cmpl	%ecx, %eax
	je	2f
	pause
	jmp	1b
2:	popq	%rcx
	ret

put_number:					# %rax in hexadecimal, and a space
	pushq	%rcx
	pushq	%rdx
	movq	%rax, %rdx
	movl	$16, %ecx
1:	rolq	$4, %rdx			# leading zeros are left out
	decl	%ecx
	jz	3f
	testb	$15, %dl
	jz	1b
3:	movl	%edx, %eax
	andl	$15, %eax
	movb	digits(%rax), %al
	call	put_character
	testl	%ecx, %ecx
	jz	2f
	rolq	$4, %rdx
	decl	%ecx
	jmp	3b
2:	movb	$' ', %al
	call	put_character
	popq	%rdx
	popq	%rcx
	ret
digits:
	.ascii	"0123456789abcdef"

report:						# %edi: item; %rsi: expected; %rdx: seen. Keeps all registers but %rax.
	incq	cpu_reports(%rbx)
	cmpq	$MOST_REPORTS, cpu_reports(%rbx)
	ja	3f
	call	lock_line
	pushq	%rax
	movb	$'\n', %al
	call	put_character
	movb	$'!', %al
	call	put_character
	movq	cpu_number(%rbx), %rax
	call	put_number
	movl	%edi, %eax
	call	put_number
	movq	%rsi, %rax
	call	put_number
	movq	%rdx, %rax
	call	put_number
	movq	cpu_laps(%rbx), %rax
	call	put_number
	movb	$'\n', %al
	call	put_character
	popq	%rax
	testl	%eax, %eax
	jnz	3f
	movl	$0, line_lock
3:	ret

# Interrupts and exceptions, all on the stack of IST 1, of which one runs at a time; an NMI has its own, IST 2.

interrupted:					# on the stack: vector, error code, %rip, %cs, %rflags, ...
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	movq	%rsp, %rbx
	andq	$~0xffff, %rbx
	movq	24(%rsp), %rax
	cmpl	$vector_timer, %eax
	je	timer
	cmpl	$vector_hpet, %eax
	je	hpet
	cmpl	$VECTOR_IN_SERVICE, %eax
	je	in_service
	cmpl	$1, %eax
	je	trap
	cmpl	$2, %eax
	je	nmi
	cmpl	$13, %eax
	je	protection
	cmpl	$32, %eax
	jb	exception
	call	unexpected
	jmp	end_of_interrupt
timer:
	incq	cpu_timers(%rbx)
	cmpq	$ONE_SHOT_CPU, cpu_number(%rbx)
	jne	end_of_interrupt
	movl	$one_shot_count, APIC + 0x380
	jmp	end_of_interrupt
hpet:
	incq	cpu_hpets(%rbx)
end_of_interrupt:
	movl	$0, APIC + 0xb0
	jmp	return
in_service:					# stays so
	incq	cpu_in_service(%rbx)
	jmp	return
trap:
	incq	cpu_traps(%rbx)
	movq	%dr6, %rax
	movl	%eax, %ecx
	andl	$~15, %eax
	movq	%rax, %dr6
	andl	$15, %ecx
	shlq	$8, cpu_fired(%rbx)
	orq	%rcx, cpu_fired(%rbx)
	testb	$1, %cl
	jz	return
	orl	$0x10000, 56(%rsp)		# RF: the instruction itself is executed now
	jmp	return
unexpected:					# %eax: the vector
	pushq	%rdi				# expected: none
	pushq	%rsi
	pushq	%rdx
	movl	$item_unexpected_interrupt, %edi
	xorl	%esi, %esi
	movl	%eax, %edx
	call	report
	popq	%rdx
	popq	%rsi
	popq	%rdi
	ret
nmi:
	cmpq	$0, cpu_nmis_awaited(%rbx)
	jne	1f
	call	unexpected
	jmp	return
1:	decq	cpu_nmis_awaited(%rbx)
	incq	cpu_nmis(%rbx)
	cmpq	$0, cpu_nmi_hold(%rbx)
	je	return
	stmxcsr	cpu_mxcsr(%rbx)
	ldmxcsr	mxcsr_after_reset
	ucomisd	no_number, %xmm0		# changes flags alone, and notes an invalid operation
1:	pause
	cmpq	$0, cpu_nmi_hold(%rbx)
	jne	1b
	stmxcsr	cpu_nmi_mxcsr(%rbx)
	ldmxcsr	cpu_mxcsr(%rbx)
	jmp	return
mxcsr_after_reset:
	.long	0x1f80
no_number:					# that signals
	.quad	0x7ff4000000000000
protection:
	cmpq	$0, cpu_fixup(%rbx)
	je	exception
	addq	$2, 40(%rsp)
	popq	%rcx
	popq	%rbx
	popq	%rax
	movl	$0xdead, %eax
	xorl	%edx, %edx
	addq	$16, %rsp
	iretq
return:
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp
	iretq
exception:					# there is no going on. Expected: where; seen: error code and vector
	movq	40(%rsp), %rsi
	movq	32(%rsp), %rdx
	shlq	$8, %rdx
	orq	%rax, %rdx
	movl	$item_exception, %edi
	call	report
	movq	%cr2, %rdx
	movq	64(%rsp), %rsi			# the stack pointer
	movl	$item_fault_address, %edi
	call	report
1:	cli
	hlt
	jmp	1b

	.balign	16, 0
stubs:
	.set	vector, 0
	.rept	256
	.balign	16, 0
	.if	(vector == 8) | ((vector >= 10) & (vector <= 14)) | (vector == 17) | (vector == 21) | (vector == 29) | (vector == 30)
	.else
	pushq	$0
	.endif
	pushq	$vector
	jmp	interrupted
	.set	vector, vector + 1
	.endr

	# Where lists of operations begin, and the lists; filled in by whoever puts the program on a disk.
	.globl	tables_global_setup, tables_cpu_setup, tables_before, tables_cpu_check, tables_after
tables:
tables_global_setup:
	.quad	nothing
tables_cpu_setup:
	.quad	nothing
tables_before:
	.quad	nothing
tables_cpu_check:
	.quad	nothing
tables_after:
	.quad	nothing
nothing:
	.quad	0, 0, 0

	.section .note.GNU-stack, "", @progbits
