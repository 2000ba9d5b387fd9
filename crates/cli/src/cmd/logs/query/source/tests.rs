use super::*;

#[test]
fn what_is_found_in_several_files_at_once_comes_in_their_order_with_its_places() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut wanted = Vec::new();
    let put = |path: &std::path::Path, number: u64| {
        let lines = (0..500).map(|line| format!("file {number:02} line {line:03}\n"));
        std::fs::write(path, lines.collect::<String>()).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_000_000 + number);
        File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
        (0..500).filter(|line| line % 10 % 3 == 0).map(move |line| (number, line))
    };
    for number in 0..12 {
        let name = format!("a__2026-11-20_10-00-{number:02}.log");
        wanted.extend(put(&dir.path().join(name), number));
    }
    wanted.extend(put(&path, 12));
    let number = |found: &Found| -> (u64, u64) {
        let text = std::str::from_utf8(&found.text).unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        (words[1].parse().unwrap(), words[3].parse().unwrap())
    };
    let query = Query {
        grep: Some(super::super::regex("grep", "line ..[0369]$").unwrap()),
        wants_places: true,
        ..Query::default()
    };
    let author = Author::App { id: 0, name: "a".to_owned(), err: false };
    let times = dir.path().join("times");
    let source = Source { path, author, format: None, times };
    let find = |cursor: Option<Place>| {
        let places = cursor.map(|place| [(source.key(), place)].into());
        let cursor = places.map(super::super::Cursor::now);
        let query = Query { cursor, ..query.clone() };
        let mut reader = Reader::new(&source, &[Names::default()], &query, false).unwrap();
        let mut found = Vec::new();
        while let Some(line) = reader.next().unwrap() {
            let (file, number) = number(&line);
            found.push((file, number, line.place));
        }
        found
    };
    let all = find(None);
    assert!(all.iter().map(|(file, line, _)| (*file, *line)).eq(wanted.iter().copied()));
    for from in [0, 160, 1000, all.len() - 1] {
        let rest = find(all[from].2);
        assert_eq!(rest, all[from + 1..], "behind {from}");
    }
}
