//! Virtual time: tasks sleep, and the clock jumps to whoever wakes first.

use core::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{
    collections::{BTreeMap, BinaryHeap},
    rc::Rc,
};

/// Milliseconds since the day began.
pub(crate) type Millis = u64;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Who sleeps until when; of those that wake together, who lay down first comes first.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<Millis>,
    running: Cell<u64>,
    count: Cell<u64>,
    sleepers: RefCell<BinaryHeap<Reverse<(Millis, u64, u64)>>>,
    tasks: RefCell<BTreeMap<u64, Task>>,
}

impl Clock {
    pub(crate) fn now(&self) -> Millis {
        self.now.get()
    }

    /// Begins a task as soon as the running one sleeps.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let name = self.next();
        self.tasks.borrow_mut().insert(name, Box::pin(task));
        self.wake_at(self.now(), name);
    }

    /// Lets the running task sleep.
    pub(crate) fn sleep(self: &Rc<Self>, span: Millis) -> Sleep {
        Sleep { clock: Rc::clone(self), until: self.now() + span, lying: false }
    }

    /// Runs everything to its end.
    pub(crate) fn run(&self) {
        while let Some(Reverse((until, _, name))) = self.next_sleeper() {
            self.now.set(until);
            self.running.set(name);
            // Taken out while it runs: it may begin others.
            let Some(mut task) = self.tasks.borrow_mut().remove(&name) else { continue };
            if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                self.tasks.borrow_mut().insert(name, task);
            }
        }
        assert!(self.tasks.borrow().is_empty(), "a task waits for something that never comes");
    }

    fn next_sleeper(&self) -> Option<Reverse<(Millis, u64, u64)>> {
        self.sleepers.borrow_mut().pop()
    }

    fn wake_at(&self, until: Millis, name: u64) {
        self.sleepers.borrow_mut().push(Reverse((until, self.next(), name)));
    }

    fn next(&self) -> u64 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }
}

/// Over when the clock has come that far.
pub(crate) struct Sleep {
    clock: Rc<Clock>,
    until: Millis,
    lying: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.until && self.lying {
            return Poll::Ready(());
        }
        if !self.lying {
            self.clock.wake_at(self.until, self.clock.running.get());
            self.lying = true;
        }
        Poll::Pending
    }
}
