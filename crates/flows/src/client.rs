//! How a client is made, and as whom it asks.

use crate::eval::Eval;
use crate::request::Client;
use crate::scope::Binding;
use crate::syntax::NodeId;
use crate::value::{Place, Value};
use base64::Engine;
use smol_str::SmolStr;
use std::rc::Rc;

/// The role that no row level security binds.
const SERVICE: &str = "service_role";

/// What the words of a key say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Service,
    Visitor,
}

/// How many variables a key is followed through.
const DEEP: usize = 6;

impl Eval<'_, '_> {
    /// The client that a function of a package makes; none where it makes none.
    pub(crate) fn made(&mut self, source: &str, name: &str, arguments: &[NodeId], at: usize) -> Option<Value> {
        if !source.contains("supabase") {
            return None;
        }
        let client = match name {
            "serverSupabaseServiceRole" => Client { roles: vec![SERVICE.into()], schema: None },
            "useSupabaseClient" | "serverSupabaseClient" => self.visitor(),
            _ if name.starts_with("create") && name.ends_with("Client") => self.by_key(at, arguments),
            _ => return None,
        };
        Some(Value::Client(Rc::new(client)))
    }

    /// A client by the key that it is made with, and the options beside it.
    fn by_key(&mut self, at: usize, arguments: &[NodeId]) -> Client {
        let mut client = self.visitor();
        let mut keys: Vec<NodeId> = arguments.get(1).copied().into_iter().collect();
        for argument in arguments {
            let Value::Node(options) = self.value((at, *argument)) else { continue };
            if options.0 == at {
                keys.extend(self.entry(options, "supabaseKey"));
            }
            let in_options = |eval: &Self, name: &str| eval.entry(options, name);
            if let Some(db) = in_options(self, "db")
                && let Value::Node(db) = self.value((options.0, db))
                && let Some(schema) = self.entry(db, "schema")
            {
                client.schema = self.piece((db.0, schema));
            }
            let unit = self.unit(options.0);
            if in_options(self, "global").is_some_and(|global| unit.text(global).contains("uthorization")) {
                // It asks as whoever sent the token, whatever key it has.
                return client;
            }
        }
        let service = keys.iter().any(|key| self.key_says((at, *key), 0) == Some(Key::Service));
        if service {
            client.roles = vec![SERVICE.into()];
        }
        client
    }

    /// What a key is, by its value or else by the words that it is named with.
    fn key_says(&mut self, (at, id): Place, depth: usize) -> Option<Key> {
        if depth > DEEP {
            return None;
        }
        if let Value::Text(text) = self.value((at, id)) {
            return by_value(&text.text);
        }
        let unit = self.unit(at);
        let words = unit.tree.below(id).filter(|node| unit.tree.children(*node).next().is_none());
        let words: Vec<(NodeId, SmolStr)> = words.map(|node| (node, unit.text(node).into())).take(100).collect();
        if let Some(key) = words.iter().find_map(|(_, word)| by_name(word)) {
            return Some(key);
        }
        for (node, word) in words {
            let Some((_, binding)) = unit.names.find(&unit.tree, node, &word) else { continue };
            let next = match binding {
                Binding::Variable { value: Some(value), keys, .. } => {
                    if let Some(key) = keys.iter().find_map(|key| by_name(key)) {
                        return Some(key);
                    }
                    (at, *value)
                }
                Binding::Import { name, .. } => match (by_name(name), self.value((at, node))) {
                    (Some(key), _) => return Some(key),
                    (None, Value::Text(text)) => return by_value(&text.text),
                    (None, Value::Node(place)) => place,
                    _ => continue,
                },
                _ => continue,
            };
            if let Some(key) = self.key_says(next, depth + 1) {
                return Some(key);
            }
        }
        None
    }
}

fn by_name(word: &str) -> Option<Key> {
    let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let has = |part: &str| word.contains(part);
    if has("servicerole") || has("servicekey") || has("secretkey") || has("supabasesecret") || has("supabaseservice") {
        return Some(Key::Service);
    }
    (has("anon") || has("publishable")).then_some(Key::Visitor)
}

fn by_value(text: &str) -> Option<Key> {
    if text.starts_with("sb_secret_") {
        return Some(Key::Service);
    }
    let claims = text.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(if claims.get("role")?.as_str()? == SERVICE { Key::Service } else { Key::Visitor })
}
