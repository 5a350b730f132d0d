//! Stories: requests over HTTP in their order, as a file says them, and what each should be answered.
//!
//! A value that one answer has is kept under a name and stands in later requests as `{{name}}`. What is sent is shown as it is
//! written, so that no token, key or password is in a report.

use serde::Deserialize;
use serde_json::Value;
use specc_http::Secret;
use std::collections::BTreeMap;

/// A file of stories.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stories {
    /// In their order.
    #[serde(default)]
    pub story: Vec<Story>,
}

/// Requests that belong together: what one keeps, the next ones have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What it shows.
    pub name: String,
    /// In their order.
    #[serde(default)]
    pub step: Vec<Step>,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Method and path: `POST /rest/v1/profiles`.
    pub request: String,
    /// The token of who asks; without it, the key of the project alone.
    #[serde(default, rename = "as")]
    pub token: Option<String>,
    /// Another key than that of the project, such as the service's.
    #[serde(default)]
    pub key: Option<String>,
    /// What the client prefers.
    #[serde(default)]
    pub prefer: Option<String>,
    /// The rows that are wanted, such as `0-9`.
    #[serde(default)]
    pub range: Option<String>,
    /// A body of JSON.
    #[serde(default)]
    pub body: Option<toml::Value>,
    /// A body of text, and its type.
    #[serde(default)]
    pub upload: Option<Upload>,
    /// The status of the answer.
    pub status: u16,
    /// How many rows the answer has.
    #[serde(default)]
    pub rows: Option<usize>,
    /// What the answer has at a place such as `0.title` or `user.id`; `text` is the whole of it, and `header NAME` a header.
    #[serde(default)]
    pub has: BTreeMap<String, toml::Value>,
    /// Names, and the places whose values they keep.
    #[serde(default)]
    pub keep: BTreeMap<String, Place>,
}

/// What is uploaded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// Its type, such as `image/png`.
    #[serde(rename = "type")]
    pub kind: String,
    /// It.
    pub text: String,
}

/// Where a value is.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// A place in the answer.
    At(String),
    /// So many digits in a row at a place: a password that is used once, in a mail.
    Digits {
        /// The place.
        at: String,
        /// How many.
        digits: usize,
    },
}

/// Reads a file of stories.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(text: &str) -> Result<Stories, String> {
    let stories: Stories = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    for story in &stories.story {
        for (at, step) in story.step.iter().enumerate() {
            let wrong = |what: &str| format!("story `{}`, step {}: {what}", story.name, at + 1);
            let (method, path) = step.request.split_once(' ').unwrap_or_default();
            // To which other server something goes is for the environment to say, and not for a file.
            if method_of(method).is_none() || !(path.starts_with('/') || path.starts_with("{{env:")) {
                return Err(wrong(&format!(
                    "`{}` is no request: write a method and a path, such as `GET /rest/v1/profiles`",
                    step.request
                )));
            }
            if step.body.is_some() && step.upload.is_some() {
                return Err(wrong("it has a body and an upload, and can send one"));
            }
        }
        if story.step.is_empty() {
            return Err(format!("story `{}` has no step", story.name));
        }
    }
    Ok(stories)
}

pub(crate) fn method_of(word: &str) -> Option<specc_http::Method> {
    use specc_http::Method::{Delete, Get, Head, Patch, Post, Put};
    [Get, Head, Post, Put, Patch, Delete].into_iter().find(|method| method.as_str() == word)
}

/// What is known of names.
#[derive(Clone, Default)]
pub struct Kept {
    values: BTreeMap<String, Value>,
}

impl Kept {
    /// Keeps a value.
    pub fn keep(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// What of it no message shows: what the environment gave, and what answers gave that is long enough to be a token or a password.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let is_secret = |name: &str, text: &str| name.starts_with("env:") || name != "run" && text.len() >= 6;
        let all = self.values.iter().map(|(name, value)| (name, plain(value)));
        all.filter(|(name, text)| is_secret(name, text)).map(|(_, text)| Secret::new(text)).collect()
    }

    fn get(&self, name: &str) -> Result<&Value, String> {
        self.values.get(name).ok_or_else(|| match name.strip_prefix("env:") {
            Some(name) => format!("the environment has no `{name}`"),
            None => format!("nothing is kept as `{name}` by then"),
        })
    }

    /// A text with each `{{name}}` as what is kept under it, as `spelled` writes it.
    pub(crate) fn filled(&self, text: &str, spelled: fn(&str) -> String) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, more)) = rest.split_once("{{") {
            let (name, after) = more.split_once("}}").ok_or_else(|| format!("`{text}` has `{{{{` without `}}}}`"))?;
            out.push_str(before);
            out.push_str(&spelled(&plain(self.get(name.trim())?)));
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// A value of a file as JSON; a text that is one name is what is kept under it, whatever it is.
    pub(crate) fn json(&self, value: &toml::Value) -> Result<Value, String> {
        Ok(match value {
            toml::Value::String(text) => {
                let alone = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
                match alone.filter(|name| !name.contains("{{")) {
                    Some(name) => self.get(name.trim())?.clone(),
                    None => self.filled(text, str::to_owned)?.into(),
                }
            }
            toml::Value::Integer(number) => (*number).into(),
            toml::Value::Float(number) => (*number).into(),
            toml::Value::Boolean(truth) => (*truth).into(),
            toml::Value::Datetime(time) => time.to_string().into(),
            toml::Value::Array(all) => Value::Array(all.iter().map(|one| self.json(one)).collect::<Result<_, _>>()?),
            toml::Value::Table(all) => {
                let each = all.iter().map(|(name, one)| Ok((name.clone(), self.json(one)?)));
                Value::Object(each.collect::<Result<_, String>>()?)
            }
        })
    }

    /// The names of the environment that stories ask for.
    pub fn asked(stories: &Stories) -> Vec<String> {
        let text = format!("{stories:?}");
        let mut all: Vec<String> =
            text.split("{{env:").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim().to_owned())).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// A value without the quotes of JSON.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What stands at a place such as `0.user.id`.
pub(crate) fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| match value {
        Value::Array(all) => all.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

/// So many digits in a row, and no more than that.
pub(crate) fn digits(text: &str, count: usize) -> Option<String> {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| run.len() == count && count > 0).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_wrong_with_it() {
        let said = |text: &str| read(text).err().unwrap_or_default();
        let step = |more: &str| format!("[[story]]\nname = 'a'\n[[story.step]]\n{more}");
        assert!(said(&step("request = 'LOOK /x'\nstatus = 200")).contains("is no request"));
        assert!(said(&step("request = 'GET x'\nstatus = 200")).contains("is no request"));
        assert!(said(&step("request = 'GET https://example.com/{{env:KEY}}'\nstatus = 200")).contains("is no request"));
        assert!(said(&step("request = 'GET {{kept}}/x'\nstatus = 200")).contains("is no request"));
        assert!(said(&step("request = 'GET /x'")).contains("status"));
        assert!(said(&step("request = 'GET /x'\nstatus = 200\nrow = 1")).contains("row"));
        assert!(said("[[story]]\nname = 'a'\n").contains("no step"));
        assert!(read(&step("request = 'GET /x'\nstatus = 200\nrows = 1")).is_ok());
    }

    #[test]
    fn names_stand_for_what_is_kept() {
        let mut kept = Kept::default();
        kept.keep("id", 7.into());
        kept.keep("name", "a b".into());
        assert_eq!(kept.filled("/x?id=eq.{{id}}&n={{ name }}", crate::request::encoded).unwrap(), "/x?id=eq.7&n=a%20b");
        assert!(kept.filled("{{none}}", str::to_owned).unwrap_err().contains("`none`"));
        assert!(kept.filled("{{id", str::to_owned).is_err());
        let body: toml::Value = toml::from_str("a = '{{id}}'\nb = 'x{{id}}'\nc = [1, true]").unwrap();
        assert_eq!(kept.json(&body).unwrap(), serde_json::json!({ "a": 7, "b": "x7", "c": [1, true] }));
        let value = serde_json::json!([{ "user": { "id": "u" } }]);
        assert_eq!(at(&value, "0.user.id"), Some(&Value::from("u")));
        assert_eq!(at(&value, "1.user.id"), None);
        assert_eq!(digits("code 1234567, or 123456.", 6).as_deref(), Some("123456"));
    }
}
