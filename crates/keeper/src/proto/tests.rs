use super::*;

fn to_keeper() -> Vec<ToKeeper> {
    let (name, meta) = ("listener/app/80".to_owned(), vec![1, 2]);
    let spec = SpawnSpec {
        run: 7,
        program: b"/bin/sh".to_vec(),
        argv: vec![b"sh".to_vec(), b"".to_vec()],
        envp: vec![b"A=1".to_vec()],
        cwd: b"/".to_vec(),
        uid: Some(1000),
        gid: None,
        want_out: true,
        want_err: false,
        want_ipc: true,
        cgroup: Some(b"/sys/fs/cgroup/x".to_vec()),
        meta: meta.clone(),
        limits: Limits { nofile: Some(4096), nice: Some(-5), oom_score: None },
    };
    vec![
        ToKeeper::Hello { version: 1 },
        ToKeeper::Spawn(spec),
        ToKeeper::Spawn(SpawnSpec::default()),
        ToKeeper::SetRunMeta { run: 1, meta: meta.clone() },
        ToKeeper::Release { run: u64::MAX },
        ToKeeper::CloseRunFd { run: 1, which: RunFd::Out },
        ToKeeper::CloseRunFd { run: 1, which: RunFd::Err },
        ToKeeper::CloseRunFd { run: 1, which: RunFd::Ipc },
        ToKeeper::Put { name: name.clone(), meta: meta.clone() },
        ToKeeper::SetMeta { name: name.clone(), meta: meta.clone() },
        ToKeeper::Del { name },
        ToKeeper::Adopt {
            run: 1,
            pid: 2,
            start_time: 3,
            meta,
            mask: FdMask(FdMask::ALL),
            status: Some(ExitStatus::Code(3)),
        },
        ToKeeper::Shutdown,
        ToKeeper::Prepare(Preparation {
            after: 6,
            not_before: 1,
            not_after: u64::MAX,
            except_codes: vec![0, -3],
            spec: SpawnSpec { run: 7, program: b"/bin/sh".to_vec(), ..SpawnSpec::default() },
        }),
        ToKeeper::Prepare(Preparation::default()),
        ToKeeper::Revoke { after: 6 },
        ToKeeper::Upgrade { exe: b"/x".to_vec() },
        ToKeeper::Succeed,
        ToKeeper::Sync { number: u64::MAX },
        ToKeeper::Pong,
    ]
}

fn from_keeper() -> Vec<FromKeeper> {
    let mut list = vec![
        FromKeeper::Welcome { version: 1, pid: 2, daemons: 3, nofile: (1024, u64::MAX) },
        FromKeeper::Run {
            run: 1,
            pid: 2,
            start_time: 3,
            status: None,
            meta: vec![4],
            mask: FdMask(3),
            next: None,
        },
        FromKeeper::Item { name: "a".to_owned(), meta: vec![] },
        FromKeeper::InventoryEnd,
        FromKeeper::Ping,
        FromKeeper::Spawned { run: 1, pid: 2, start_time: 3, mask: FdMask(0) },
        FromKeeper::Refused { what: "a".to_owned(), why: "b".to_owned() },
        FromKeeper::UpgradeFailed { errno: 2 },
        FromKeeper::Synced { number: 7 },
    ];
    for status in [
        ExitStatus::Code(255),
        ExitStatus::Signal(11, true),
        ExitStatus::Signal(9, false),
        ExitStatus::Unknown,
    ] {
        list.push(FromKeeper::Exited { run: 1, status, next: Some(2) });
        list.push(FromKeeper::Run {
            run: 1,
            pid: 2,
            start_time: 3,
            status: Some(status),
            meta: vec![],
            mask: FdMask(2),
            next: Some(u64::MAX),
        });
    }
    for stage in (0..=u8::MAX).filter_map(SpawnStage::from_u8) {
        list.push(FromKeeper::SpawnFailed { run: 1, stage, errno: 24 });
    }
    list
}

fn check_round_trips<M: Message + Clone + PartialEq + std::fmt::Debug>(messages: &[M]) {
    for message in messages {
        let bytes = encode(message, 3).unwrap();
        let frame = split(&bytes).unwrap().unwrap();
        assert_eq!((frame.version, frame.fds, frame.size()), (VERSION, 3, bytes.len()));
        assert_eq!(frame.decode::<M>().as_ref(), Ok(message));
        for end in 0..bytes.len() {
            assert_eq!(split(&bytes[..end]), Ok(None), "{message:?} cut at {end}");
        }
        for end in 0..frame.body.len() {
            let cut = Frame { body: &frame.body[..end], ..frame };
            assert!(cut.decode::<M>().is_err(), "{message:?} with {end} bytes of its body");
        }
    }
}

#[test]
fn every_message_comes_back_and_every_prefix_is_incomplete() {
    check_round_trips(&to_keeper());
    check_round_trips(&from_keeper());
}

/// Checks that the message is these bytes for ever, and that it comes back from the bytes that
/// version 1 made of it.
#[track_caller]
fn check_golden<M: Message + PartialEq + std::fmt::Debug>(message: &M, fds: u8, ends: [&[u8]; 2]) {
    let [first, now] = ends;
    assert_eq!(encode(message, fds).unwrap(), now);
    let frame = split(first).unwrap().unwrap();
    assert_eq!((frame.version, frame.fds, frame.size()), (1, fds, first.len()));
    assert_eq!(frame.decode::<M>().as_ref(), Ok(message));
}

#[test]
fn bytes_of_requests_are_these_for_ever() {
    check_golden(
        &ToKeeper::Hello { version: 1 },
        0,
        [b"\x04\0\0\0\x01\x01\0\x01", b"\x04\0\0\0\x04\x01\0\x01"],
    );
    check_golden(
        &ToKeeper::Put { name: "ab".to_owned(), meta: vec![9] },
        1,
        [
            b"\x0e\0\0\0\x01\x06\x01\x02\0\0\0ab\x01\0\0\0\x09",
            b"\x0e\0\0\0\x04\x06\x01\x02\0\0\0ab\x01\0\0\0\x09",
        ],
    );
    let spec = SpawnSpec {
        run: 1,
        program: b"/p".to_vec(),
        argv: vec![b"p".to_vec()],
        cwd: b"/".to_vec(),
        gid: Some(5),
        want_err: true,
        ..SpawnSpec::default()
    };
    check_golden(
        &ToKeeper::Spawn(spec),
        0,
        [
            b"\x31\0\0\0\x01\x02\0\x01\0\0\0\0\0\0\0\x02\0\0\0/p\x01\0\0\0\x01\0\0\0p\0\0\0\0\
            \x01\0\0\0/\0\x01\x05\0\0\0\0\x01\0\0\0\0\0\0",
            b"\x34\0\0\0\x04\x02\0\x01\0\0\0\0\0\0\0\x02\0\0\0/p\x01\0\0\0\x01\0\0\0p\0\0\0\0\
            \x01\0\0\0/\0\x01\x05\0\0\0\0\x01\0\0\0\0\0\0\0\0\0",
        ],
    );
    let revoke = ToKeeper::Revoke { after: 6 };
    let golden = b"\x0b\0\0\0\x04\x0d\0\x06\0\0\0\0\0\0\0";
    assert_eq!(encode(&revoke, 0).unwrap(), golden);
}

#[test]
fn bytes_of_reports_are_these_for_ever() {
    check_golden(
        &FromKeeper::Exited { run: 258, status: ExitStatus::Signal(9, true), next: None },
        0,
        [
            b"\x11\0\0\0\x01\x47\0\x02\x01\0\0\0\0\0\0\x01\x09\0\0\0\x01",
            b"\x12\0\0\0\x04\x47\0\x02\x01\0\0\0\0\0\0\x01\x09\0\0\0\x01\0",
        ],
    );
    let run = FromKeeper::Run {
        run: 1,
        pid: 2,
        start_time: 3,
        status: None,
        meta: vec![],
        mask: FdMask(1),
        next: None,
    };
    check_golden(
        &run,
        1,
        [
            b"\x1d\0\0\0\x01\x42\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\x01",
            b"\x1e\0\0\0\x04\x42\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\x01\0",
        ],
    );
    let next = FromKeeper::Exited { run: 1, status: ExitStatus::Code(1), next: Some(2) };
    assert_eq!(
        encode(&next, 0).unwrap(),
        b"\x1a\0\0\0\x04\x47\0\x01\0\0\0\0\0\0\0\0\x01\0\0\0\0\x01\x02\0\0\0\0\0\0\0"
    );
}

#[test]
fn a_frame_of_four_gigabytes_or_of_nothing_is_refused_before_it_is_read() {
    assert_eq!(split(&[255; 4]), Err(FrameError::TooLong(u32::MAX)));
    assert_eq!(split(&[2, 0, 0, 0]), Err(FrameError::TooShort(2)));
    let long = ToKeeper::Upgrade { exe: vec![b'x'; MAX_FRAME] };
    assert!(matches!(encode(&long, 0), Err(FrameError::TooLong(_))));
}

#[test]
fn a_count_of_four_billion_costs_nothing() {
    let mut body = vec![0; 8];
    body.extend([255; 4]);
    let frame = Frame { version: 1, kind: 2, fds: 0, body: &body };
    assert_eq!(frame.decode::<ToKeeper>(), Err(DecodeError::Truncated("program")));
    let mut body = vec![0; 12];
    body.extend([255; 4]);
    let frame = Frame { version: 1, kind: 2, fds: 0, body: &body };
    assert_eq!(frame.decode::<ToKeeper>(), Err(DecodeError::Truncated("argv")));
}

#[test]
fn a_newer_version_may_say_more_and_an_unknown_type_is_named() {
    let frame = Frame { version: VERSION + 1, kind: 1, fds: 0, body: &[2, 77, 77] };
    assert_eq!(frame.decode(), Ok(ToKeeper::Hello { version: 2 }));
    let frame = Frame { version: VERSION, ..frame };
    assert_eq!(frame.decode::<ToKeeper>(), Err(DecodeError::TrailingBytes(2)));
    let frame = Frame { kind: 200, ..frame };
    assert_eq!(frame.decode::<ToKeeper>(), Err(DecodeError::UnknownKind(200)));
}

#[test]
fn values_out_of_bounds_are_refused() {
    let check = |message: ToKeeper, field| {
        let bytes = encode(&message, 0).unwrap();
        let frame = split(&bytes).unwrap().unwrap();
        assert_eq!(frame.decode::<ToKeeper>(), Err(DecodeError::Invalid(field)));
    };
    check(ToKeeper::SetRunMeta { run: 1, meta: vec![0; MAX_META + 1] }, "meta");
    check(ToKeeper::Put { name: "x".repeat(MAX_NAME + 1), meta: vec![] }, "name");
    check(ToKeeper::Put { name: String::new(), meta: vec![] }, "name");
    check(
        ToKeeper::Adopt {
            run: 1,
            pid: 1,
            start_time: 1,
            meta: vec![],
            mask: FdMask(16),
            status: None,
        },
        "mask",
    );
}

#[test]
fn descriptors_find_their_places_by_the_mask() {
    let mask = FdMask(FdMask::PIDFD | FdMask::IPC);
    let fds = RunFds::from_list(mask, vec!["pidfd", "ipc"]).unwrap();
    assert_eq!(fds, RunFds { pidfd: Some("pidfd"), out: None, err: None, ipc: Some("ipc") });
    assert_eq!(fds.mask(), mask);
    assert_eq!(fds.iter().copied().collect::<Vec<_>>(), ["pidfd", "ipc"]);
    assert_eq!(RunFds::from_list(mask, vec!["one"]), None);
    assert_eq!(RunFds::from_list(FdMask(16), vec!["one"]), None);
}

#[test]
fn wait_statuses_are_read_as_the_system_writes_them() {
    assert_eq!(ExitStatus::from_wait(0x0300), ExitStatus::Code(3));
    assert_eq!(ExitStatus::from_wait(9), ExitStatus::Signal(9, false));
    assert_eq!(ExitStatus::from_wait(0x8b), ExitStatus::Signal(11, true));
}
