// SPDX-License-Identifier: GPL-2.0

//! A load that lasts: the random run on all CPUs at once, with blocks that change hands, and with
//! allocations made to fail where the kernel does that.

use core::{
    mem::swap,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

use crate::{
    allocator::Accounted,
    conformance::{
        probe,
        property::{
            Stop as Found,
            Violation, //
        },
        random::{
            Model,
            Slot,
            Trust, //
        },
        rng::{
            mix,
            Numbers,
            Rng, //
        },
        suite::{
            self,
            Outcome,
            Stop, //
        },
        Limits,
        Subject, //
    },
    params, //
};

kunit_suite! {
    /// A load that lasts as long as the module's `soak` parameter says, or for some rounds.
    name: rust_alloc_soak,
    cases: [
        random_on_all_cpus,
    ],
}

/// How many operations each CPU does in a round. Between rounds all blocks are given back.
const STEPS: usize = 500;

/// How many rounds it is if nobody says for how long, and for how long at most, in seconds.
const ROUNDS: usize = 200;
const UNASKED: usize = 1;

/// How often a block changes hands, in operations.
const EXCHANGE: usize = 16;

/// How often it is said how far it has come, in seconds.
const REPORT: usize = 10;

/// Where the CPUs exchange blocks.
type Desk = SpinLock<Slot>;

/// One round on one CPU.
fn round(rng: Rng, desk: &Desk, operations: &AtomicUsize, peak: &AtomicUsize) -> Result<(), Found> {
    let subject = Subject::of::<Accounted>();
    let mut model = Model::new(subject, rng, &Limits::SLAB, Trust::FULL, true)?;

    for step in 0..STEPS {
        model.step()?;
        operations.fetch_add(1, Ordering::Relaxed);
        peak.fetch_max(Accounted::live().1, Ordering::Relaxed);
        if step % EXCHANGE == 0 {
            let mut slot = desk.lock().take();
            model.exchange(&mut slot);
            swap(&mut *desk.lock(), &mut slot);
            // What another CPU has left meanwhile is freed here.
        }
    }
    Ok(())
}

/// No block is overwritten, misaligned or lost, and all memory is given back.
fn random_on_all_cpus() -> Outcome {
    let mut seeds = Rng::new("random_on_all_cpus");
    let before = Accounted::live();
    let failures = probe::failures();
    let (operations, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let desk = KBox::pin_init(new_spinlock!(None), GFP_KERNEL).map_err(|_| Stop::Failed)?;
    let violated =
        KBox::pin_init(new_spinlock!(None::<Violation>), GFP_KERNEL).map_err(|_| Stop::Failed)?;
    let starved = AtomicUsize::new(0);
    let (start, seconds) = (probe::seconds(), params::soak.value());
    let (end, rounds) = match seconds {
        0 => (UNASKED, ROUNDS),
        _ => (seconds, usize::MAX),
    };
    let (mut reported, mut done) = (0, 0);

    loop {
        let seed = seeds.next();
        let cpus = probe::on_cpus(&|cpu| {
            let rng = Rng::quiet(mix(seed ^ cpu as u64));

            match round(rng, &desk, &operations, &peak) {
                Ok(()) => {}
                Err(Found::Violated(violation)) => *violated.lock() = Some(violation),
                Err(_) => {
                    starved.fetch_add(1, Ordering::Relaxed);
                }
            }
        })?;
        *desk.lock() = None;
        done += 1;

        let violation = violated.lock().take();
        if let Some(violation) = violation {
            check!(false, "{violation:?}");
        }
        check!(
            starved.load(Ordering::Relaxed) == 0,
            "a request was refused though no allocation failed"
        );
        let (blocks, bytes) = Accounted::live();
        check!(
            (blocks, bytes) == before,
            "{} blocks of {} bytes were not given back",
            blocks - before.0,
            bytes - before.1
        );

        let elapsed = probe::seconds() - start;
        let ended = elapsed >= end || done == rounds;
        if ended || elapsed >= reported + REPORT {
            reported = elapsed;
            pr_notice!(
                "note: soak: {} s on {} CPUs: operations={} failures={} peak={} live={}\n",
                elapsed,
                cpus,
                operations.load(Ordering::Relaxed),
                probe::failures() - failures,
                peak.load(Ordering::Relaxed) - before.1,
                bytes - before.1
            );
        }
        if ended {
            return Ok(());
        }
    }
}
