//! Which processes a word in a path means.

use axum::http::StatusCode;
use ostler_wire::control::{Code, ProcView};

use crate::web::answer::Refused;

/// Returns the processes that are meant: all (but modules), those of an app, of a namespace, or the
/// one with this number. `NAMESPACE/NAME` is the app of a namespace. This program itself, which
/// would not live to tell, is meant where it alone is.
pub(crate) fn meant<'a>(
    word: &str,
    list: &'a [ProcView],
    own_pid: u32,
) -> Result<Vec<&'a ProcView>, Refused> {
    let of = |wanted: &dyn Fn(&ProcView) -> bool| -> Option<Vec<&'a ProcView>> {
        let found: Vec<&ProcView> = list.iter().filter(|view| wanted(view)).collect();
        (!found.is_empty()).then_some(found)
    };
    if word == "all" {
        let all = of(&|view| !view.module && view.pid != own_pid);
        return Ok(all.unwrap_or_default());
    }
    let both = |view: &ProcView| {
        word.split_once('/')
            .is_some_and(|(namespace, name)| view.namespace == namespace && view.name == name)
    };
    of(&|view| view.name == word)
        .or_else(|| of(&both))
        .or_else(|| of(&|view| view.namespace == word && view.pid != own_pid))
        .or_else(|| of(&|view| view.namespace == word))
        .or_else(|| of(&|view| word.parse() == Ok(view.id)))
        .ok_or_else(|| {
            let message = format!("no app, namespace or process is called `{word}`");
            Refused::new(StatusCode::NOT_FOUND, Code::NotFound, message)
                .hint("`GET /api/v1/processes` shows what there is")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_name_else_a_namespace_else_a_number() {
        let view = |id: u32, namespace: &str, name: &str, module: bool| {
            let view = serde_json::json!({
                "id": id, "name": name, "namespace": namespace, "version": null,
                "cluster": false, "pid": 100 + id, "since": 0, "restarts": 0, "phase": "online",
                "cpu": 0.0, "memory": 0, "user": "u", "module": module, "script": "/x",
            });
            serde_json::from_value::<ProcView>(view).unwrap()
        };
        let list = [
            view(0, "shop", "api", false),
            view(1, "back", "api", false),
            view(2, "shop", "1", false),
            view(3, "default", "rotate", true),
            view(4, "default", "ostler-web", false),
            view(5, "default", "job", false),
        ];
        let ids = |word: &str| -> Vec<u32> {
            let found = meant(word, &list, 104);
            found.map_or(Vec::new(), |all| all.iter().map(|view| view.id).collect())
        };
        assert_eq!(ids("all"), [0, 1, 2, 5]);
        assert_eq!(ids("default"), [3, 5], "it would not live to tell");
        let alone = meant("default", &list[4..5], 104).unwrap();
        assert_eq!(alone.len(), 1);
        assert_eq!(ids("api"), [0, 1]);
        assert_eq!(ids("shop"), [0, 2]);
        assert_eq!(ids("back/api"), [1]);
        assert_eq!(ids("1"), [2], "it is a name");
        assert_eq!(ids("4"), [4]);
        assert!(meant("x", &list, 0).is_err() && meant("", &list, 0).is_err());
        assert!(meant("all", &[], 0).unwrap().is_empty());
    }
}
