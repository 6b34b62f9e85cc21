// SPDX-License-Identifier: GPL-2.0

//! Where an allocator is called from, and where its memory is to come from.

use core::{
    alloc::Layout,
    mem::replace,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        Flags, //
    },
    new_spinlock,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    compat::{
        self,
        NumaNode, //
    },
    limits::Limits,
    probe,
    property::{
        ensure,
        layout,
        Outcome,
        Stop,
        BEYOND_LIMITS, //
    },
    subject::Subject, //
};

/// Allocates, reallocates and frees; returns whether all was well, or there was no memory.
fn is_usable(subject: Subject, old: Layout, new: Layout, flags: Flags) -> Result<bool, Stop> {
    let mut block = Block::new(subject, old, flags)?;

    block.fill(1);
    block.resize(new, flags)?;
    Ok(block.is_aligned_to(new.align()) && block.matches(1, old.size()))
}

/// "`Flags` are honored": `GFP_ATOMIC` and `GFP_NOWAIT` don't sleep, under a spinlock and in a
/// softirq. A kernel with `DEBUG_ATOMIC_SLEEP` reports an allocator that may.
///
/// With `PREEMPT_RT` both can be preempted. That is all that the flags promise there: where
/// preemption or interrupts are off no allocator of the slab's can be used, whatever the flags
/// (`include/linux/gfp_types.h`, `Documentation/core-api/real-time/differences.rst`).
pub(crate) fn usable_in_atomic_context(subject: Subject, limits: &Limits) -> Outcome {
    if !limits.atomic {
        return Err(Stop::NotApplicable(c"it may sleep"));
    }
    let (old, new) = (
        limits.only_or(layout(72, 8)?),
        limits.only_or(layout(200, 64)?),
    );
    if !limits.fit(new) {
        return Err(BEYOND_LIMITS);
    }
    let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL).map_err(|_| Stop::NoMemory)?;

    for flags in [GFP_ATOMIC, GFP_NOWAIT] {
        let guard = lock.lock();
        let good = is_usable(subject, old, new, flags);
        drop(guard);
        // They may be refused, but not with most of the memory free.
        ensure!(
            good.is_ok(),
            "a request that may not sleep was refused",
            new
        );
        ensure!(good?, "a block from under a spinlock is not right", new);
    }

    let (good, ran) = (AtomicBool::new(false), AtomicBool::new(false));
    probe::in_softirq(&|_| {
        good.store(
            matches!(is_usable(subject, old, new, GFP_ATOMIC), Ok(true)),
            Ordering::Relaxed,
        );
        ran.store(true, Ordering::Release);
    });
    ensure!(
        ran.load(Ordering::Acquire) && good.load(Ordering::Relaxed),
        "a block from a softirq is not right",
        new
    );
    Ok(())
}

/// Returns whether a block is on a node, or its node does not count.
fn is_on(block: &Block, id: i32) -> bool {
    // SAFETY: The block is live; those that are asked about are not of size zero.
    !matches!(unsafe { probe::nid(block.as_ptr()) }, Some(nid) if nid != id)
}

/// Checks that blocks come from the NUMA node that is asked for, each of two in turn: most of them,
/// as memory may be short on a node for a moment.
fn check_nodes(subject: Subject, limits: &Limits, nodes: [NumaNode; 2]) -> Outcome {
    let [near, far] = nodes;
    let count = limits.live.min(16);

    for (id, node, other) in [(0, near, far), (1, far, near)] {
        if let Some(only) = limits.only {
            let mut fresh = 0;

            for _ in 0..count {
                fresh += usize::from(is_on(&Block::new_on(subject, only, GFP_KERNEL, node)?, id));
            }
            ensure!(fresh > count / 2, "a fresh block is not on its node", only);
        }
        for (size, align) in [(8, 8), (24, 64), (PAGE_SIZE, 64), (5 * PAGE_SIZE, 64)] {
            let (old, new) = (layout(size, align)?, layout(4 * size, 2 * align)?);
            let (mut fresh, mut moved) = (0, 0);

            if !limits.fit(new) {
                continue;
            }
            for _ in 0..count {
                fresh += usize::from(is_on(&Block::new_on(subject, old, GFP_KERNEL, node)?, id));

                let mut block = Block::new_on(subject, old, GFP_KERNEL, other)?;
                let before = block.address();
                block.resize_on(new, GFP_KERNEL, node)?;
                // One that can stay where it is may do so.
                moved += usize::from(block.address() == before || is_on(&block, id));
            }
            ensure!(fresh > count / 2, "a fresh block is not on its node", old);
            ensure!(
                moved > count / 2,
                "a block that was moved is not on its node",
                old => new
            );
        }
    }
    Ok(())
}

/// How often it is looked where blocks come from, with twice the time between each.
const LOOKS: u32 = 6;

/// "[...] a specific NUMA node request to allocate the memory for". An allocator that pays no heed
/// serves a task from the node of its CPU, so this is one that stays where it is.
///
/// Since Linux 6.18 the page allocator takes memory from elsewhere while a node's kswapd is at work
/// (`mm/page_alloc.c`, `get_page_from_freelist()`), so it is looked again after a while.
pub(crate) fn block_comes_from_its_node(subject: Subject, limits: &Limits) -> Outcome {
    let Ok(near) = compat::node(0) else {
        return Err(Stop::NotApplicable(
            c"this kernel's allocators take no node",
        ));
    };
    let Some(far) = compat::node(1).ok().filter(|_| probe::online_nodes() > 1) else {
        return Err(Stop::NotApplicable(c"there is one NUMA node"));
    };
    let outcome = KBox::pin_init(new_spinlock!(Ok(())), GFP_KERNEL).map_err(|_| Stop::NoMemory)?;

    probe::on_cpus(&|cpu| {
        // One of them is enough.
        if cpu != 0 {
            return;
        }
        let mut found = check_nodes(subject, limits, [near, far]);
        for look in 1..LOOKS {
            if !matches!(found, Err(Stop::Violated(_))) {
                break;
            }
            probe::sleep(10 << look);
            found = check_nodes(subject, limits, [near, far]);
        }
        *outcome.lock() = found;
    })?;
    let found = replace(&mut *outcome.lock(), Ok(()));
    found
}

/// How many blocks each CPU has at once.
const EACH: usize = 64;

/// How many rounds each CPU does.
const ROUNDS: usize = 50;

/// Any function can be called on any CPU at any time, as no function has a requirement about that:
/// all allocate, reallocate and check at once, and then free what another one allocated.
pub(crate) fn many_cpus_at_once(subject: Subject, limits: &Limits) -> Outcome {
    let (old, new) = (
        limits.only_or(layout(40, 8)?),
        limits.only_or(layout(100, 64)?),
    );
    if !limits.fit(new) {
        return Err(BEYOND_LIMITS);
    }
    let (violated, starved) = (AtomicBool::new(false), AtomicBool::new(false));
    let rounds = if limits.atomic { ROUNDS } else { 2 };
    let exchange = KBox::pin_init(new_spinlock!(KVec::<Block>::new()), GFP_KERNEL)
        .map_err(|_| Stop::NoMemory)?;

    let run = |cpu: usize| -> Result<bool, Stop> {
        for round in 0..rounds {
            let mut own = KVec::<Block>::with_capacity(EACH, GFP_KERNEL)?;
            let seed = |n: usize| ((cpu * rounds + round) * EACH + n) as u64;

            for n in 0..EACH {
                own.push(Block::new(subject, old, GFP_KERNEL)?, GFP_KERNEL)?;
                own[n].fill(seed(n));
            }
            for (n, block) in own.iter_mut().enumerate() {
                block.resize(new, GFP_KERNEL)?;
                if !block.matches(seed(n), old.size()) || !block.is_aligned_to(new.align()) {
                    return Ok(false);
                }
                block.fill(seed(n));
            }
            if !own
                .iter()
                .enumerate()
                .all(|(n, block)| block.matches(seed(n), new.size()))
            {
                return Ok(false);
            }
            // What is left here another CPU takes out and frees.
            let mut guard = exchange.lock();
            let others = replace(&mut *guard, own);
            drop(guard);
            if !others.iter().all(|block| block.is_aligned_to(new.align())) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let cpus = probe::on_cpus(&|cpu| match run(cpu) {
        Ok(true) => {}
        Ok(false) => violated.store(true, Ordering::Relaxed),
        Err(_) => starved.store(true, Ordering::Relaxed),
    })?;

    ensure!(
        !violated.load(Ordering::Relaxed),
        "a block was overwritten or misaligned with all CPUs at it",
        old => new
    );
    if starved.load(Ordering::Relaxed) {
        return Err(Stop::NoMemory);
    }
    if cpus < 2 {
        return Err(Stop::NotApplicable(c"there is one CPU"));
    }
    Ok(())
}

/// "On allocation failure, the existing buffer, if any, remains valid": a request within the
/// contract is met or refused, and nothing that the kernel warns of.
pub(crate) fn reallocation_does_not_warn(subject: Subject, limits: &Limits) -> Outcome {
    let (old, new) = (limits.only_or(layout(24, 8)?), layout(24, 16 * PAGE_SIZE)?);
    let starved = AtomicBool::new(false);
    let warnings = probe::warnings_of(&|_| {
        for _ in 0..limits.live {
            match Block::new(subject, old, GFP_KERNEL) {
                Ok(mut block) => drop(block.resize(new, GFP_KERNEL | __GFP_NOWARN)),
                Err(_) => starved.store(true, Ordering::Relaxed),
            }
        }
    });

    if starved.load(Ordering::Relaxed) {
        return Err(Stop::NoMemory);
    }
    match warnings {
        None => Err(Stop::NotApplicable(
            c"this kernel does not count its warnings",
        )),
        Some(count) => {
            ensure!(count == 0, "the kernel warned of a reallocation", old => new);
            Ok(())
        }
    }
}
