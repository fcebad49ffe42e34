//! Several fixtures at a time, told of in their order.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// Does `work` for each of `items`, `workers` at a time, and hands the results to `take` in the order of the items. The first
/// error ends it: what is being worked on then is finished, and nothing else begun.
pub(crate) fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    workers: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
    mut take: impl FnMut(&T, R),
) -> Result<(), E> {
    let (sender, results) = mpsc::channel();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { return };
                    if sender.send((number, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut finished = BTreeMap::new();
        let mut due = 0;
        for (number, result) in results {
            finished.insert(number, result?);
            while let Some(result) = finished.remove(&due) {
                take(&items[due], result);
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_come_in_order_although_work_is_done_at_the_same_time() {
        // Nobody passes it alone.
        let both = Barrier::new(2);
        let mut taken = Vec::new();
        let work = |number: &usize| {
            both.wait();
            Ok::<_, ()>(number * 10)
        };
        each(&[1, 2, 3, 4], 2, work, |number, result| taken.push((*number, result))).unwrap();
        assert_eq!(taken, [(1, 10), (2, 20), (3, 30), (4, 40)]);
    }

    #[test]
    fn an_error_ends_it() {
        let work = |number: &usize| if *number == 2 { Err("two") } else { Ok(()) };
        let mut taken = Vec::new();
        let numbers: Vec<_> = (1..1000).collect();
        assert_eq!(each(&numbers, 1, work, |number, ()| taken.push(*number)), Err("two"));
        assert_eq!(taken, [1]);
    }
}
