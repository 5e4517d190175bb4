define void @alone(ptr %steps, i64 %count) nounwind {
entry:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %end, label %step
step:
  %i = phi i64 [ 0, %entry ], [ %i.next, %step.end ]
  %record = getelementptr { ptr, ptr, i64 }, ptr %steps, i64 %i
  %record.args = getelementptr i64, ptr %record, i64 1
  %record.parts = getelementptr i64, ptr %record, i64 2
  %kernel = load ptr, ptr %record
  %args = load ptr, ptr %record.args
  %parts = load i64, ptr %record.parts
  br label %part
part:
  %p = phi i64 [ 0, %step ], [ %p.next, %part ]
  call void %kernel(ptr %args, i64 %p, i64 %parts)
  %p.next = add i64 %p, 1
  %p.more = icmp ult i64 %p.next, %parts
  br i1 %p.more, label %part, label %step.end
step.end:
  %i.next = add i64 %i, 1
  %i.more = icmp ult i64 %i.next, %count
  br i1 %i.more, label %step, label %end
end:
  ret void
}
