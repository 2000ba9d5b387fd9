use super::*;

fn fd() -> Fd {
    Arc::new(std::fs::File::open("/dev/null").unwrap().into())
}

fn run(pid: u32) -> Run {
    let fds = RunFds { pidfd: None, out: Some(fd()), err: None, ipc: None };
    Run { pid, start_time: 1, liveness: Liveness::Child, meta: vec![1], next: None, fds }
}

#[test]
fn an_end_stays_until_it_is_released() {
    let mut table = Table::default();
    table.insert(5, run(100)).unwrap();
    assert_eq!(table.run_of_pid(100), Some(5));
    table.end(5, ExitStatus::Code(3), None);
    assert_eq!(table.run_of_pid(100), None, "the pid may belong to somebody else from now on");
    assert_eq!(table.take_unreported(), Some((5, ExitStatus::Code(3), None)));
    assert_eq!(table.take_unreported(), None, "one daemon is told once");

    // The next daemon learns of it from the inventory, and may still read the output.
    table.expect_inventory();
    let (_, entry) = table.run_after(None).unwrap();
    assert_eq!(entry.status(), Some(ExitStatus::Code(3)));
    assert!(entry.fds.out.is_some());

    table.end(5, ExitStatus::Unknown, None);
    assert_eq!(
        table.get(5).unwrap().status(),
        Some(ExitStatus::Code(3)),
        "the first end is the true one"
    );
    table.release(5).unwrap();
    assert!(table.run_after(None).is_none());
    table.release(5).unwrap();
}

#[test]
fn an_end_during_the_inventory_is_told_exactly_once() {
    let mut table = Table::default();
    for number in 1..=3 {
        table.insert(number, run(100 + number as u32)).unwrap();
    }
    table.end(1, ExitStatus::Code(1), None);
    table.expect_inventory();
    table.mark_reported(table.run_after(None).unwrap().0);
    table.mark_reported(table.run_after(Some(1)).unwrap().0);
    table.end(2, ExitStatus::Code(2), None);
    table.end(3, ExitStatus::Code(3), None);
    table.mark_reported(table.run_after(Some(2)).unwrap().0);
    assert_eq!(table.take_unreported(), Some((2, ExitStatus::Code(2), None)));
    assert_eq!(table.take_unreported(), None);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut table = Table::default();
    table.insert(1, run(100)).unwrap();
    table.put("a".to_owned(), vec![1], fd()).unwrap();
    let long = vec![0; MAX_META + 1];
    assert_eq!(table.insert(1, run(101)), Err(Refusal::RunTaken));
    assert_eq!(table.release(1), Err(Refusal::RunAlive));
    assert_eq!(table.set_run_meta(2, vec![]), Err(Refusal::UnknownRun));
    assert_eq!(table.set_run_meta(1, long.clone()), Err(Refusal::MetaTooLong));
    assert_eq!(table.close_fd(2, RunFd::Out), Err(Refusal::UnknownRun));
    assert_eq!(table.set_meta("b", vec![]), Err(Refusal::UnknownName));
    assert_eq!(table.set_meta("a", long.clone()), Err(Refusal::MetaTooLong));
    assert_eq!(table.put("a".to_owned(), long, fd()), Err(Refusal::MetaTooLong));
    table.del("b");

    let entry = table.get(1).unwrap();
    assert_eq!(
        (entry.pid, entry.meta.as_slice(), entry.liveness),
        (100, &[1][..], Liveness::Child)
    );
    assert_eq!(table.run_of_pid(101), None);
    assert_eq!(table.item_after(None).unwrap().1.meta, [1]);
    assert_eq!(table.meta_bytes, 2);
}

#[test]
fn metadata_is_counted_through_every_change() {
    let mut table = Table::default();
    table.insert(1, run(100)).unwrap();
    table.set_run_meta(1, vec![0; 10]).unwrap();
    table.put("a".to_owned(), vec![0; 5], fd()).unwrap();
    table.put("a".to_owned(), vec![0; 7], fd()).unwrap();
    table.set_meta("a", vec![0; 3]).unwrap();
    assert_eq!(table.meta_bytes, 13);
    table.del("a");
    table.end(1, ExitStatus::Unknown, None);
    table.release(1).unwrap();
    assert_eq!(table.meta_bytes, 0);
}

#[test]
fn the_table_is_bounded() {
    let mut table = Table::default();
    let shared = fd();
    for number in 0..MAX_TOTAL_META / MAX_META {
        table.put(number.to_string(), vec![0; MAX_META], Arc::clone(&shared)).unwrap();
    }
    assert_eq!(
        table.put("more".to_owned(), vec![0], Arc::clone(&shared)),
        Err(Refusal::MetaTooLong)
    );
    assert_eq!(table.check_room(&[0]), Err(Refusal::MetaTooLong));

    let mut table = Table::default();
    for number in 0..MAX_ENTRIES {
        table.put(number.to_string(), vec![], Arc::clone(&shared)).unwrap();
    }
    assert_eq!(table.put("more".to_owned(), vec![], Arc::clone(&shared)), Err(Refusal::Full));
    table.put("1".to_owned(), vec![], shared).unwrap();
}

#[test]
fn a_closed_descriptor_leaves_the_mask() {
    let mut table = Table::default();
    table.insert(1, run(100)).unwrap();
    let before = table.get(1).unwrap().fds.mask();
    table.close_fd(1, RunFd::Out).unwrap();
    table.close_fd(1, RunFd::Out).unwrap();
    let after = table.get(1).unwrap().fds.mask();
    assert_eq!(before.count() - 1, after.count());
}
