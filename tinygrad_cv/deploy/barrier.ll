; Waits until all $PARTS threads of a step are here. At %barrier stands how many are, and 64 bytes on how often it opened.
define internal void @barrier(ptr %barrier) nounwind {
entry:
  %opened_at = getelementptr i8, ptr %barrier, i64 64
  %opened = load atomic i32, ptr %opened_at acquire, align 4
  %before = atomicrmw add ptr %barrier, i32 1 acq_rel
  %last = icmp eq i32 %before, $LAST
  br i1 %last, label %open, label %spin
open:
  store atomic i32 0, ptr %barrier monotonic, align 4
  %next = add i32 %opened, 1
  store atomic i32 %next, ptr %opened_at release, align 4
  $WAKE
  ret void
spin:
  %turn = phi i32 [0, %entry], [%turn1, %again], [%turn1, %sleep]
  %now = load atomic i32, ptr %opened_at acquire, align 4
  %closed = icmp eq i32 %now, %opened
  br i1 %closed, label %wait, label %done
wait:
  %turn1 = add i32 %turn, 1
  %long = icmp ugt i32 %turn1, $SPINS
  br i1 %long, label %sleep, label %again
again:
  br label %spin
sleep:
  $SLEEP
  br label %spin
done:
  ret void
}
