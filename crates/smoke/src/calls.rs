//! Functions that clients call, each as each role.

use crate::exchange::{Exchange, Kind, Wish};
use crate::request::{Gives, Method, Request, encoded};
use crate::shape::{self, Table, Written};
use crate::surface::Surface;
use serde_json::{Map, Value};
use specc_catalog::Volatility;
use specc_types::Call;

/// A call of each function of the exposed schemas as each role. `claims`: settings of a role that asks for nobody.
pub fn calls(surface: &Surface<'_>, claims: &dyn Fn(&str) -> Vec<String>) -> Vec<Exchange> {
    let mut all = Vec::new();
    for schema in &surface.exposed {
        for call in surface.api.calls(schema) {
            for role in surface.roles() {
                let Some(rights) = surface.rights(role) else { continue };
                let wish = if rights.calls(call.function) { Wish::Called } else { Wish::Uncallable };
                if let Some(request) = request(surface, &call, role, claims(role)) {
                    all.push(Exchange {
                        entity: call.function.name.to_string(),
                        kind: Kind::Call,
                        lines: vec![format!("as {role}")],
                        rules: Vec::new(),
                        request,
                        wish,
                    });
                }
            }
        }
    }
    all
}

/// A call with values that its arguments may have; none where an argument has no name, as a client cannot name it.
fn request(surface: &Surface<'_>, call: &Call<'_>, role: &str, settings: Vec<String>) -> Option<Request> {
    let function = call.function;
    let mut arguments: Vec<Written> = Vec::new();
    let mut body = Map::new();
    for (param, optional) in &call.arguments {
        if *optional {
            continue;
        }
        if param.name.is_empty() {
            return None;
        }
        let value = surface.api.example_of(&param.ty);
        let value: Option<Value> = value.and_then(|example| serde_json::from_str(&example.json).ok());
        body.insert(param.name.to_string(), value.unwrap_or(Value::Null));
        arguments.push((param.name.clone(), param.ty.clone()));
    }
    let is_void = call.gives.schema.is_empty() && call.gives.name == "void";
    let body = Value::Object(body).to_string();
    let table = Table { schema: &function.schema, name: &function.name };
    Some(Request {
        role: role.to_owned(),
        settings,
        method: Method::Post,
        schema: function.schema.clone(),
        path: format!("/rpc/{}", encoded(&function.name)),
        query: Vec::new(),
        prefer: Vec::new(),
        prepared: shape::call(&table, &arguments, &body),
        body: Some(body),
        page: None,
        gives: if is_void { Gives::Void } else { Gives::Rows },
        writes: function.volatility == Volatility::Volatile,
    })
}
