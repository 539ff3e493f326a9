# A guest that dirties memory so that every byte of it can be told at any moment.
#
# One disk sector, which the BIOS loads to 0x7c00. It prints 'A' on COM1, prepares the test region, then for ever adds one to one
# byte of each page, pass after pass over the region, and prints 'B' after each so many passes.
#
# A page (page_stride bytes) of the region holds
#   bytes 0 to 255	counters, zero at first. Pass number P, from 0, adds one to byte (P & 255). With one counter a page, a page
#			that is behind by 256 passes would look right;
#   all other bytes	stamps: the dword at each physical address X that is a multiple of stamp_spacing holds X, so that a page in
#			another's place is seen, and whose it is. What is between stamps is zero.
#
# After each pass the pages from TURNING_START to TURNING_END, in low memory, are turned: the first dword of the page at address X becomes
# the pass number P where P has bit (X / 4096 & 3), and zero where it has not; the rest of the page is zero. So a page goes from all zero to
# not and back, after 1, 2, 4 or 8 passes. Pass 0 makes all of them zero, as they are when a machine is new.
#
# In the loop the registers are all there is to know:
#   %ecx completed passes    %ebx page being worked on    %esi %ecx & 255    %edi end of the region    %ebp page stride
#   %edx, from turn to turns_done, page being turned
# and %eip tells, by the global symbols, what has been done to the page at %ebx:
#   loop_begin to increment		nothing yet in this pass; %ebx is not set yet
#   increment to incremented		the page at %ebx is still to be incremented
#   incremented to page_advanced	it has been
#   page_advanced to pass_done		%ebx is the next page, still to be incremented, or there is none
#   pass_done to pass_counted		the pass is complete, %ecx does not know yet; of the pages that turn
#	pass_done to turn		none is turned; %edx is not set yet
#	turn to turned			those below %edx are
#	turned to turn_advanced		that at %edx is too
#	turn_advanced to turns_done	those below %edx are
#	turns_done to pass_counted	all are
#   pass_counted to loop_end		the pass is complete and counted

	.set	COM1, 0x3f8
	.set	PM1A_CONTROL, 0x604	# the BIOS puts the ACPI block of q35 at 0x600
	.set	SLEEP_S3, 0x2400	# SLP_EN with SLP_TYP 1, which is S3 in QEMU's ACPI tables
	.set	SUSPEND, 1		# bit of flags
	.set	HAS_SUSPENDED, 0x21335321
	.set	COUNTER_BYTES, 256
	.set	PAGE, 0x1000
	.set	TURNING_START, 0x20000	# free on a PC between the program and the BIOS's data below 640 KiB
	.set	TURNING_END, 0x30000
	.set	UNROLLED, 16		# under emulation the end of a loop costs more than a store

	.code16
	.globl	_start
_start:
	cli				# for good: nothing but this program may write to memory
	xorw	%ax, %ax
	movw	%ax, %ds
	inb	$0x92, %al		# A20: without it every odd megabyte is the even one below
	orb	$2, %al
	andb	$0xfe, %al		# bit 0 would reset the machine
	outb	%al, $0x92
	lgdtl	gdt_descriptor
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $protected

	.code32
	.globl	protected
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss		# no stack is set up: nothing here calls, or is interrupted
	movw	$COM1, %dx
	movb	$'A', %al
	outb	%al, %dx

	movl	region_start, %ebx
	movl	region_end, %edi
	movl	page_stride, %ebp

	# Memory is zero when a machine is new. After a wake-up the stamps are there, and must be: written again they would hide what
	# sleep, or a migration in it, has lost. %edi points past the region, where the program notes that it has slept.
	testb	$SUSPEND, flags
	jz	stamp
	cmpl	$HAS_SUSPENDED, (%edi)
	je	clear

	.globl	stamp
stamp:
	movl	stamp_spacing, %esi
1:	.rept	UNROLLED
	movl	%ebx, (%ebx)
	addl	%esi, %ebx
	.endr
	cmpl	%edi, %ebx
	jb	1b

	.globl	clear
clear:
	movl	region_start, %ebx
	xorl	%eax, %eax
1:	xorl	%ecx, %ecx
2:	.set	offset, 0
	.rept	UNROLLED
	movl	%eax, offset(%ebx,%ecx)
	.set	offset, offset + 4
	.endr
	addb	$4 * UNROLLED, %cl	# carries after COUNTER_BYTES
	jnc	2b
	addl	%ebp, %ebx
	cmpl	%edi, %ebx
	jb	1b
	xorl	%ecx, %ecx

	.globl	loop_begin, increment, incremented, page_advanced, pass_done, turn, turned, turn_advanced, turns_done, pass_counted
	.globl	suspended, loop_end
loop_begin:
	movl	region_start, %ebx
	movzbl	%cl, %esi
increment:
	incb	(%ebx,%esi)
incremented:
	addl	%ebp, %ebx
page_advanced:
	cmpl	%edi, %ebx
	jb	increment
pass_done:
	movl	$TURNING_START, %edx
turn:
	movl	%edx, %eax
	shrl	$12, %eax
	andl	$3, %eax
	btl	%eax, %ecx
	sbbl	%eax, %eax
	andl	%ecx, %eax
	movl	%eax, (%edx)
turned:
	addl	$PAGE, %edx
turn_advanced:
	cmpl	$TURNING_END, %edx
	jb	turn
turns_done:
	incl	%ecx
pass_counted:
	movl	%ecx, %eax
	xorl	%edx, %edx
	divl	passes_per_marker
	testl	%edx, %edx
	jnz	loop_begin
	movw	$COM1, %dx		# without asking whether the line is free: a guest that waits for its reader looks dead
	movb	$'B', %al
	outb	%al, %dx

	testb	$SUSPEND, flags
	jz	loop_begin
	cmpl	$HAS_SUSPENDED, (%edi)	# a wake-up starts this sector again, fresh from the disk, and once is enough
	je	loop_begin
	movl	$HAS_SUSPENDED, (%edi)
	movw	$PM1A_CONTROL, %dx
	movw	$SLEEP_S3, %ax
	outw	%ax, %dx
suspended:
	hlt				# the machine sleeps a moment later, and nothing may be written until then
	jmp	suspended
loop_end:

	.balign	8, 0		# filled with zeros: assemblers differ in what they would put there
gdt:					# accessed already: the CPU writes nothing to this sector
	.quad	0
	.quad	0x00cf9b000000ffff	# code, flat, 32 bits
	.quad	0x00cf93000000ffff	# data, flat
gdt_descriptor:
	.word	gdt_descriptor - gdt - 1
	.long	gdt

	# Patched by whoever puts the sector on a disk.
	.org	0x1e0
	.globl	magic, region_start, region_end, page_stride, stamp_spacing, passes_per_marker, flags
magic:
	.ascii	"A-B1"
region_start:
	.long	0x100000
region_end:				# exclusive
	.long	0x6400000
page_stride:
	.long	0x1000
stamp_spacing:
	.long	4
passes_per_marker:
	.long	4
flags:
	.long	0

	.org	0x1fe
	.word	0xaa55

	.section .note.GNU-stack, "", @progbits
