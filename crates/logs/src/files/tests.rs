//! Log files that are opened, closed and known again.

use super::*;

#[test]
fn a_file_is_closed_at_the_second_look_after_its_last_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(Arc::new(crate::Plain));
    let (id, opened) = files.attach(&folder.path().join("a.log"), 1, OnFull::DropOldest);
    opened.unwrap();
    let file = files.get_mut(id).unwrap();
    file.used = true;
    assert!(files.close_idle());
    assert!(files.get(id).unwrap().open.is_some());
    assert!(!files.close_idle(), "nothing is left to be closed");
    assert!(files.get(id).unwrap().open.is_none());
}

#[test]
fn a_closed_file_is_known_under_another_name_as_long_as_it_is_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a.log"), folder.path().join("link.log"));
    let mut files = Files::new(Arc::new(crate::Plain));
    let (first, _) = files.attach(&path, 1, OnFull::DropOldest);
    files.close_idle();
    std::fs::hard_link(&path, &link).unwrap();
    assert_eq!(files.attach(&link, 2, OnFull::DropOldest).0, first);
    files.detach(first, 2);

    files.close_idle();
    std::fs::remove_file(&path).unwrap();
    let other = folder.path().join("other.log");
    std::fs::rename(&link, &other).unwrap();
    assert_ne!(files.attach(&other, 3, OnFull::DropOldest).0, first, "it is opened by its path");
}

#[test]
fn a_file_that_is_settling_or_failing_is_not_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Files::new(Arc::new(crate::Plain));
    let (id, _) = files.attach(&folder.path().join("a.log"), 1, OnFull::DropOldest);
    files.get_mut(id).unwrap().settling = Some(Settling { owner: 1, until: 0 });
    assert!(files.close_idle());
    let file = files.get_mut(id).unwrap();
    (file.settling, file.failing) =
        (None, Some(Failing { code: None, since: 0, retry_at: 0, told: false }));
    assert!(files.close_idle());
}
