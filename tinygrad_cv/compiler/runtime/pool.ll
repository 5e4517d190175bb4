declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)

; The calling thread runs a program, and workers help. One caller at a time.
define void @run(ptr %pool, ptr %steps, i64 %count, i64 %threads, ptr %ends) nounwind {
entry:
  %gate = getelementptr i8, ptr %pool, i64 $GATE
  %done = getelementptr i8, ptr %pool, i64 $DONE
  %left = getelementptr i8, ptr %pool, i64 $LEFT
  %mutex = getelementptr i8, ptr %pool, i64 $MUTEX
  %started = getelementptr i8, ptr %pool, i64 $STARTED
  %next = getelementptr i8, ptr %pool, i64 $NEXT
  %last.number = load i64, ptr %next
  %first = add i64 %last.number, 1
  %last = add i64 %last.number, %count
  store i64 %last, ptr %next
  %done.before = load atomic i64, ptr %done acquire, align 8
  %left.before = load atomic i64, ptr %left acquire, align 8
  %job.steps = getelementptr i8, ptr %pool, i64 $STEPS
  %job.count = getelementptr i8, ptr %pool, i64 $COUNT
  %job.threads = getelementptr i8, ptr %pool, i64 $THREADS
  %job.done = getelementptr i8, ptr %pool, i64 $DONE_BEFORE
  %job.first = getelementptr i8, ptr %pool, i64 $FIRST
  store ptr %steps, ptr %job.steps
  store i64 %count, ptr %job.count
  store i64 %threads, ptr %job.threads
  store i64 %done.before, ptr %job.done
  store i64 %first, ptr %job.first
  %closed.before = load atomic i64, ptr %gate acquire, align 8
  %run.before = lshr i64 %closed.before, 16
  %run = add i64 %run.before, 1
  %run.shifted = shl i64 %run, 16
  %opened = or i64 %run.shifted, $OPEN
  call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i64 %opened, ptr %gate seq_cst, align 8
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call i32 @pthread_cond_broadcast(ptr %started)
  call void @share(ptr %pool, i64 0, i64 %threads, ptr %steps, i64 %count, i64 %done.before, i64 %first, ptr %ends)
  %closed = atomicrmw and ptr %gate, i64 $CLOSED seq_cst
  %entered = and i64 %closed, $WORKERS
  %all.left = add i64 %left.before, %entered
  call void @wait(ptr %pool, ptr %left, i64 %all.left)
  ret void
}

; A worker: sleeps until a run starts, helps, and sleeps again, until it is stopped.
define void @work(ptr %pool, i64 %thread) nounwind {
entry:
  %gate = getelementptr i8, ptr %pool, i64 $GATE
  %left = getelementptr i8, ptr %pool, i64 $LEFT
  %stop = getelementptr i8, ptr %pool, i64 $STOP
  %mutex = getelementptr i8, ptr %pool, i64 $MUTEX
  %started = getelementptr i8, ptr %pool, i64 $STARTED
  br label %idle
idle:
  %run.before = phi i64 [ 0, %entry ], [ %run, %leave ]
  call i32 @pthread_mutex_lock(ptr %mutex)
  br label %look
look:
  %stopped = load atomic i64, ptr %stop acquire, align 8
  %go = icmp ne i64 %stopped, 0
  br i1 %go, label %end, label %look.gate
look.gate:
  %seen = load atomic i64, ptr %gate acquire, align 8
  %open.bit = and i64 %seen, $OPEN
  %open = icmp ne i64 %open.bit, 0
  %run = lshr i64 %seen, 16
  %new = icmp ne i64 %run, %run.before
  %invited = and i1 %open, %new
  br i1 %invited, label %enter, label %sleep
sleep:
  call i32 @pthread_cond_wait(ptr %started, ptr %mutex)
  br label %look
enter:
  %one.more = add i64 %seen, 1
  %entered = cmpxchg ptr %gate, i64 %seen, i64 %one.more seq_cst seq_cst
  %inside = extractvalue { i64, i1 } %entered, 1
  br i1 %inside, label %job, label %look
job:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  %job.steps = getelementptr i8, ptr %pool, i64 $STEPS
  %job.count = getelementptr i8, ptr %pool, i64 $COUNT
  %job.threads = getelementptr i8, ptr %pool, i64 $THREADS
  %job.done = getelementptr i8, ptr %pool, i64 $DONE_BEFORE
  %job.first = getelementptr i8, ptr %pool, i64 $FIRST
  %steps = load ptr, ptr %job.steps
  %count = load i64, ptr %job.count
  %threads = load i64, ptr %job.threads
  %done.before = load i64, ptr %job.done
  %first = load i64, ptr %job.first
  %needed = icmp ult i64 %thread, %threads
  br i1 %needed, label %help, label %leave
help:
  call void @share(ptr %pool, i64 %thread, i64 %threads, ptr %steps, i64 %count, i64 %done.before, i64 %first, ptr null)
  br label %leave
leave:
  atomicrmw add ptr %left, i64 1 seq_cst
  call void @wake(ptr %pool)
  br label %idle
end:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret void
}

; Stops the workers.
define void @stop(ptr %pool) nounwind {
  %stop = getelementptr i8, ptr %pool, i64 $STOP
  %mutex = getelementptr i8, ptr %pool, i64 $MUTEX
  %started = getelementptr i8, ptr %pool, i64 $STARTED
  call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i64 1, ptr %stop release, align 8
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call i32 @pthread_cond_broadcast(ptr %started)
  ret void
}

; One thread's share of a program: in each step it takes parts until none is left, then waits until all are done.
define internal void @share(ptr %pool, i64 %thread, i64 %threads, ptr %steps, i64 %count, i64 %done.before, i64 %first,
                            ptr %ends) nounwind {
entry:
  %done = getelementptr i8, ptr %pool, i64 $DONE
  %claims = getelementptr i8, ptr %pool, i64 $CLAIMS
  %timed = icmp ne ptr %ends, null
  br i1 %timed, label %time.begin, label %begin
time.begin:
  call i32 @clock_gettime(i32 $CLOCK, ptr %ends)
  br label %begin
begin:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %end, label %step
step:
  %i = phi i64 [ 0, %begin ], [ %i.next, %step.end ]
  %before = phi i64 [ %done.before, %begin ], [ %target, %step.end ]
  %record = getelementptr { ptr, ptr, i64 }, ptr %steps, i64 %i
  %record.args = getelementptr i64, ptr %record, i64 1
  %record.parts = getelementptr i64, ptr %record, i64 2
  %kernel = load ptr, ptr %record
  %args = load ptr, ptr %record.args
  %parts = load i64, ptr %record.parts
  %number = add i64 %first, %i
  %target = add i64 %before, %parts
  %done.now = load atomic i64, ptr %done acquire, align 8
  %over = icmp uge i64 %done.now, %target
  br i1 %over, label %step.time, label %choose
choose:
  %product = mul i64 %thread, %parts
  %start = udiv i64 %product, %threads
  br label %look
look:
  %k = phi i64 [ 0, %choose ], [ %k.next, %look.end ]
  %sum = add i64 %start, %k
  %wrapped = sub i64 %sum, %parts
  %beyond = icmp uge i64 %sum, %parts
  %p = select i1 %beyond, i64 %wrapped, i64 %sum
  %claim = getelementptr [64 x i8], ptr %claims, i64 %p
  %claimed = load atomic i64, ptr %claim monotonic, align 8
  %taken = icmp uge i64 %claimed, %number
  br i1 %taken, label %look.end, label %take
take:
  %claimed.before = atomicrmw umax ptr %claim, i64 %number seq_cst
  %lost = icmp uge i64 %claimed.before, %number
  br i1 %lost, label %look.end, label %part
part:
  call void %kernel(ptr %args, i64 %p, i64 %parts)
  %done.others = atomicrmw add ptr %done, i64 1 seq_cst
  %done.with.mine = add i64 %done.others, 1
  %last = icmp eq i64 %done.with.mine, %target
  br i1 %last, label %part.last, label %look.end
part.last:
  call void @wake(ptr %pool)
  br label %look.end
look.end:
  %k.next = add i64 %k, 1
  %k.more = icmp ult i64 %k.next, %parts
  br i1 %k.more, label %look, label %others
others:
  call void @wait(ptr %pool, ptr %done, i64 %target)
  br label %step.time
step.time:
  %i.next = add i64 %i, 1
  br i1 %timed, label %time, label %step.end
time:
  %stamp = getelementptr { i64, i64 }, ptr %ends, i64 %i.next
  call i32 @clock_gettime(i32 $CLOCK, ptr %stamp)
  br label %step.end
step.end:
  %i.more = icmp ult i64 %i.next, %count
  br i1 %i.more, label %step, label %end
end:
  ret void
}

; Waits until a counter has reached a number.
define internal void @wait(ptr %pool, ptr %counter, i64 %target) nounwind {
entry:
  br label %look
look:
  %n = phi i64 [ 0, %entry ], [ %n.next, %pause ], [ %n.next, %yield ]
  %now = load atomic i64, ptr %counter acquire, align 8
  %reached = icmp uge i64 %now, %target
  br i1 %reached, label %end, label %again
again:
  %n.next = add i64 %n, 1
  %spin = icmp ult i64 %n.next, $SPINS
  br i1 %spin, label %pause, label %patience
pause:
  $PAUSE
  br label %look
patience:
  %patient = icmp ult i64 %n.next, $PATIENCE
  br i1 %patient, label %yield, label %block
yield:
  call i32 @sched_yield()
  br label %look
block:
  %sleepers = getelementptr i8, ptr %pool, i64 $SLEEPERS
  %mutex = getelementptr i8, ptr %pool, i64 $MUTEX
  %progress = getelementptr i8, ptr %pool, i64 $PROGRESS
  call i32 @pthread_mutex_lock(ptr %mutex)
  atomicrmw add ptr %sleepers, i64 1 seq_cst
  br label %check
check:
  %then = load atomic i64, ptr %counter seq_cst, align 8
  %reached.then = icmp uge i64 %then, %target
  br i1 %reached.then, label %awake, label %sleep
sleep:
  call i32 @pthread_cond_wait(ptr %progress, ptr %mutex)
  br label %check
awake:
  atomicrmw sub ptr %sleepers, i64 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %end
end:
  ret void
}

; Wakes the sleepers, after a counter has changed.
define internal void @wake(ptr %pool) nounwind {
entry:
  %sleepers = getelementptr i8, ptr %pool, i64 $SLEEPERS
  %n = load atomic i64, ptr %sleepers seq_cst, align 8
  %none = icmp eq i64 %n, 0
  br i1 %none, label %end, label %wake
wake:
  %mutex = getelementptr i8, ptr %pool, i64 $MUTEX
  %progress = getelementptr i8, ptr %pool, i64 $PROGRESS
  call i32 @pthread_mutex_lock(ptr %mutex)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call i32 @pthread_cond_broadcast(ptr %progress)
  br label %end
end:
  ret void
}
$DECLARATION
