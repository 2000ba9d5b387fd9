//! What each receiver is sent: the fields that its own documentation names.

use serde_json::json;

use super::Alert;

/// Slack cuts a text of more characters.
const SLACK: usize = 4000;
/// Discord refuses a `content` of more characters.
const DISCORD: usize = 2000;
/// Telegram refuses a `text` of more characters.
const TELEGRAM: usize = 4096;

/// For people: one line of what and where, then what happened.
pub(crate) fn words(alert: &Alert, host: &str) -> String {
    let mut text = format!("[{}] {} on {host}: {}", alert.kind, alert.app, alert.text);
    match alert.held_back {
        0 => {}
        1 => text.push_str("\n(one more of this kind before it was held back)"),
        many => text.push_str(&format!("\n({many} more of this kind before it were held back)")),
    }
    text
}

/// Our own object.
pub(crate) fn webhook(alert: &Alert, host: &str) -> String {
    json!({
        "kind": alert.kind,
        "app": alert.app,
        "namespace": alert.namespace,
        "process": alert.process,
        "host": host,
        "time": ostler_logs::iso(alert.at).unwrap_or_default(),
        "text": alert.text,
        "held_back": alert.held_back,
    })
    .to_string()
}

/// A message of an incoming webhook. Three characters mean something in its texts.
pub(crate) fn slack(alert: &Alert, host: &str) -> String {
    let text = cut(&words(alert, host), SLACK);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": text }).to_string()
}

/// A message that calls nobody, whatever an app has written.
pub(crate) fn discord(alert: &Alert, host: &str) -> String {
    let text = cut(&words(alert, host), DISCORD);
    json!({ "content": text, "allowed_mentions": { "parse": [] } }).to_string()
}

/// The parameters of `sendMessage`; without a mode of parsing the text is as it is.
pub(crate) fn telegram(alert: &Alert, host: &str, chat: &str) -> String {
    json!({ "chat_id": chat, "text": cut(&words(alert, host), TELEGRAM) }).to_string()
}

/// The first characters of a text, of which there are at most so many.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        Alert {
            kind: "errored".to_owned(),
            namespace: "default".to_owned(),
            app: "api".to_owned(),
            process: Some(3),
            at: 1_795_388_825_573,
            text: "process 3 <died> & \"@everyone\"".to_owned(),
            held_back: 0,
        }
    }

    #[test]
    fn each_receiver_gets_its_own_fields_byte_for_byte() {
        let alert = alert();
        assert_eq!(
            webhook(&alert, "h"),
            concat!(
                r#"{"kind":"errored","app":"api","namespace":"default","process":3,"host":"h","#,
                r#""time":"2026-11-22T23:07:05.573Z","#,
                r#""text":"process 3 <died> & \"@everyone\"","held_back":0}"#
            )
        );
        assert_eq!(
            slack(&alert, "h"),
            r#"{"text":"[errored] api on h: process 3 &lt;died&gt; &amp; \"@everyone\""}"#
        );
        assert_eq!(
            discord(&alert, "h"),
            concat!(
                r#"{"content":"[errored] api on h: process 3 <died> & \"@everyone\"","#,
                r#""allowed_mentions":{"parse":[]}}"#
            )
        );
        assert_eq!(
            telegram(&alert, "h", "-42"),
            r#"{"chat_id":"-42","text":"[errored] api on h: process 3 <died> & \"@everyone\""}"#
        );
    }

    #[test]
    fn a_text_is_no_longer_than_its_receiver_takes_and_says_how_many_were_held_back() {
        let long = Alert { text: "é".repeat(5000), held_back: 2, ..alert() };
        let told: serde_json::Value = serde_json::from_str(&discord(&long, "h")).unwrap();
        let content = told["content"].as_str().unwrap();
        assert!(content.chars().count() == DISCORD && content.ends_with('…'));
        let short = Alert { text: "x".to_owned(), held_back: 2, ..alert() };
        assert_eq!(
            words(&short, "h"),
            "[errored] api on h: x\n(2 more of this kind before it were held back)"
        );
    }
}
