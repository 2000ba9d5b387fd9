//! The other side of a call: what a client says to PM2's daemon, and what it hears.

use serde_json::Value as Json;

use crate::amp::{Argument, Frame, encode};

/// Adds the frame of a call.
pub fn write_call(method: &str, argument: &Json, id: &str, out: &mut Vec<u8>) {
    let body = serde_json::json!({ "type": "call", "method": method, "args": [argument] });
    encode(&[Argument::Json(&body.to_string()), Argument::Text(id)], out);
}

/// What a daemon answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The number of the call.
    pub id: String,
    /// The value, null where there is none, or why it was not done.
    pub result: Result<Json, String>,
}

/// Reads a frame.
///
/// # Errors
/// It is no answer.
pub fn read_answer(frame: &Frame<'_>) -> Result<Answered, String> {
    let [Argument::Json(body), Argument::Text(id)] = frame.arguments.as_slice() else {
        return Err("an answer has a JSON value and a number".to_owned());
    };
    let mut body: Json =
        serde_json::from_str(body).map_err(|error| format!("an answer must be JSON: {error}"))?;
    let result = match (body.get_mut("error").map(Json::take), body.get_mut("args")) {
        (Some(Json::String(why)), _) => Err(why),
        (Some(other), _) => Err(other.to_string()),
        (None, Some(args)) => Ok(args.get_mut(0).map(Json::take).unwrap_or_default()),
        (None, None) => Err("an answer has a value or an error".to_owned()),
    };
    Ok(Answered { id: (*id).to_owned(), result })
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, Asked, Call, Method};
    use super::*;
    use crate::amp::decode;

    #[test]
    fn what_a_caller_says_is_what_a_daemon_hears_and_back() {
        let mut bytes = Vec::new();
        write_call("stopProcessId", &serde_json::json!(3), "7:0", &mut bytes);
        let call = Call::read(&decode(&bytes).unwrap().unwrap());
        assert_eq!(call.id, "7:0");
        assert!(matches!(call.asked, Ok(Asked::Method(Method::Stop { .. }))), "{:?}", call.asked);
        let check = |answer: Answer, result: Result<Json, String>| {
            let mut bytes = Vec::new();
            answer.write("7:0", &mut bytes);
            let answered = read_answer(&decode(&bytes).unwrap().unwrap()).unwrap();
            assert_eq!(answered, Answered { id: "7:0".to_owned(), result });
        };
        check(Answer::Value("[1]".to_owned()), Ok(serde_json::json!([1])));
        check(Answer::Void, Ok(Json::Null));
        check(Answer::Error("no".to_owned()), Err("no".to_owned()));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let check = |arguments: &[Argument<'_>]| {
            let mut bytes = Vec::new();
            encode(arguments, &mut bytes);
            assert!(read_answer(&decode(&bytes).unwrap().unwrap()).is_err());
        };
        check(&[]);
        check(&[Argument::Json("{"), Argument::Text("1")]);
        check(&[Argument::Text("1"), Argument::Json("{}")]);
    }
}
