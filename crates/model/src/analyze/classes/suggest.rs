//! Columns whose names or types say that they hold something of a person, or a secret.

use super::super::project::Project;
use crate::types::*;
use specc_diag::{Diagnostic, codes};
use specc_facts::{Family, family};
use specc_syntax::ast::DataClass;

/// Words of a name, one after the other, and the class of what is called so.
const NAMES: &[(&[&str], DataClass)] = &[
    (&["email"], DataClass::Pii),
    (&["e", "mail"], DataClass::Pii),
    (&["mail", "address"], DataClass::Pii),
    (&["phone"], DataClass::Pii),
    (&["telephone"], DataClass::Pii),
    (&["mobile"], DataClass::Pii),
    (&["whatsapp"], DataClass::Pii),
    (&["address"], DataClass::Pii),
    (&["first", "name"], DataClass::Pii),
    (&["last", "name"], DataClass::Pii),
    (&["full", "name"], DataClass::Pii),
    (&["family", "name"], DataClass::Pii),
    (&["given", "name"], DataClass::Pii),
    (&["surname"], DataClass::Pii),
    (&["birthday"], DataClass::Pii),
    (&["birthdate"], DataClass::Pii),
    (&["birth", "date"], DataClass::Pii),
    (&["birth", "day"], DataClass::Pii),
    (&["date", "of", "birth"], DataClass::Pii),
    (&["born", "on"], DataClass::Pii),
    (&["dob"], DataClass::Pii),
    (&["iban"], DataClass::Pii),
    (&["account", "number"], DataClass::Pii),
    (&["card", "number"], DataClass::Pii),
    (&["credit", "card"], DataClass::Pii),
    (&["ip"], DataClass::Pii),
    (&["ssn"], DataClass::Pii),
    (&["passport"], DataClass::Pii),
    (&["tax", "id"], DataClass::Pii),
    (&["national", "id"], DataClass::Pii),
    (&["password"], DataClass::Secret),
    (&["passwd"], DataClass::Secret),
    (&["passphrase"], DataClass::Secret),
    (&["token"], DataClass::Secret),
    (&["secret"], DataClass::Secret),
    (&["api", "key"], DataClass::Secret),
    (&["apikey"], DataClass::Secret),
    (&["access", "key"], DataClass::Secret),
    (&["private", "key"], DataClass::Secret),
    (&["secret", "key"], DataClass::Secret),
    (&["signing", "key"], DataClass::Secret),
    (&["encryption", "key"], DataClass::Secret),
    (&["otp"], DataClass::Secret),
    (&["cvv"], DataClass::Secret),
    (&["cvc"], DataClass::Secret),
];

/// Asks for a class where a name or a type suggests one.
pub(super) fn suggest(project: &Project<'_>, model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in model.entities.iter().filter(|entity| !entity.external) {
        for field in &entity.fields {
            let given = field.class.is_some() || field.inherited || field.generated.is_some();
            if given || field.relation.is_some() || project.is_shipped(field.meta.span) {
                continue;
            }
            let Some(class) = of_field(model, field) else { continue };
            let (what, word) = match class {
                DataClass::Pii => ("something of a person", "pii"),
                DataClass::Secret => ("a secret", "secret"),
            };
            let message = format!("`{}` seems to hold {what}, and has no class", field.name);
            let help = format!("write `{word}` behind the type, or `accept W0420 '…'` with why it is none");
            out.push(Diagnostic::new(codes::UNCLASSED, field.meta.span, message).help(help));
        }
    }
}

fn of_field(model: &Model, field: &Field) -> Option<DataClass> {
    let (domains, ty) = model.domains_of(&field.ty);
    let name = match &ty.base {
        Base::Builtin(name) => name.as_str(),
        Base::Named(name) => name.name.as_str(),
        _ => return None,
    };
    let by_type = || domains.iter().filter_map(|domain| of_name(&domain.name.name)).max();
    let class = || of_name(&field.name).max(by_type());
    match family(name) {
        Family::Network => class().max(Some(DataClass::Pii)),
        Family::Moment if name == "date" => class().filter(|class| *class == DataClass::Pii),
        // What a machine made is none of the words of a person.
        Family::Uuid => class().filter(|class| *class == DataClass::Secret),
        Family::Text | Family::Bytes => class(),
        _ => None,
    }
}

fn of_name(name: &str) -> Option<DataClass> {
    let words = words(name);
    let is_there = |wanted: &[&str]| words.windows(wanted.len()).any(|some| some.iter().eq(wanted));
    let mut classes = NAMES.iter().filter(|(wanted, _)| is_there(wanted)).map(|(_, class)| *class);
    classes.next().map(|first| classes.fold(first, DataClass::max))
}

/// `customerEmail_2` is `customer`, `email` and `2`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let starts = c.is_uppercase() && before.is_lowercase() || c.is_numeric() != before.is_numeric();
        if !c.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{DataClass, of_name};

    #[test]
    fn words_of_a_name_say_what_it_holds() {
        for name in ["email", "contact_email", "homePhone", "ip", "client_ip", "date_of_birth", "EMail", "email2"] {
            assert_eq!(of_name(name), Some(DataClass::Pii), "{name}");
        }
        for name in ["password_hash", "api_key", "refreshToken", "token", "email_token"] {
            assert_eq!(of_name(name), Some(DataClass::Secret), "{name}");
        }
        for name in ["tip", "shipping", "key", "dedupe_key", "tokenizer", "name", "title", "emails_sent"] {
            assert_eq!(of_name(name), None, "{name}");
        }
    }
}
