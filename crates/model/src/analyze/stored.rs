//! What is said of how rows are kept: replica identity, storage, compression, parameters.

use super::entity::Pass;
use crate::types::*;
use specc_catalog::ColumnStatistics;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_facts::{COMPRESSION_WORDS, STORAGE_WORDS, type_info};
use specc_syntax::ast;

/// The words of `replica identity`.
const IDENTITIES: &[&str] = &["full", "nothing", "default"];

/// The highest statistics target.
const MOST_STATISTICS: u16 = 10_000;
/// More values than there can be rows.
const MOST_VALUES: f64 = 1e15;

impl Pass<'_> {
    pub(super) fn replica_identity(&mut self, said: &ast::ReplicaIdentity) {
        self.parts.replica_identity = match said {
            ast::ReplicaIdentity::Word(word) => match word.text.as_str() {
                "full" => Some(ReplicaIdentity::Full),
                "nothing" => Some(ReplicaIdentity::Nothing),
                "default" => None,
                other => {
                    let message = format!("`{other}` is no replica identity");
                    let help = match nearest(other, IDENTITIES.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write `full`, `nothing`, `default` or `using index name`".to_owned(),
                    };
                    self.out.push(Diagnostic::new(codes::BAD_REPLICA_IDENTITY, word.at.0, message).help(help));
                    None
                }
            },
            ast::ReplicaIdentity::Index(name) => {
                Some(ReplicaIdentity::Index { name: name.text.clone(), span: name.at.0 })
            }
        };
    }

    /// Whether the index of `replica identity` tells all rows apart, at once.
    pub(super) fn check_replica_identity(&mut self) {
        let Some(ReplicaIdentity::Index { name, span }) = self.parts.replica_identity.clone() else { return };
        let mut bad = |message: String, help: String, declared: Option<Span>| {
            let mut found = Diagnostic::new(codes::BAD_REPLICA_IDENTITY, span, message);
            if let Some(declared) = declared {
                found = found.also(declared, "declared here");
            }
            self.out.push(found.help(help));
        };
        let entity = self.entity;
        if self.parts.partition_by.is_some() {
            let message = format!("the partitions of `{}` have indexes of their own", entity.name.name);
            let help = "write `replica identity full`, or say it of each partition in a `sql` block";
            return bad(message, help.to_owned(), None);
        }
        let deferred = |what: Span| {
            let message =
                format!("`{name}` may be checked at the end of a transaction, and a replica identity at once");
            (message, "remove `deferrable`, or write `replica identity full`".to_owned(), Some(what))
        };
        if let Some(key) = entity.key.as_ref().filter(|_| self.parts.key_name == name) {
            if key.deferrable {
                let (message, help, at) = deferred(key.span);
                bad(message, help, at);
            }
            return;
        }
        let unique = self.parts.uniques.iter().find(|unique| unique.name == name);
        let unique = unique.map(|u| (&u.elements, u.filter.is_some(), true, u.deferrable, u.span));
        let index = self.parts.indexes.iter().find(|index| index.name == name);
        let index = index.map(|i| (&i.elements, i.filter.is_some(), i.unique, false, i.span));
        let Some((elements, partial, unique, deferrable, at)) = unique.or(index) else {
            if let Some(exclude) = self.parts.excludes.iter().find(|exclude| exclude.name == name) {
                let message = format!("`{name}` excludes rows, and does not tell them apart");
                return bad(message, "use a key, `unique` or `unique index`".to_owned(), Some(exclude.span));
            }
            let uniques = self.parts.uniques.iter().map(|unique| unique.name.as_str());
            let indexes = self.parts.indexes.iter().filter(|index| index.unique).map(|index| index.name.as_str());
            let key = entity.key.iter().map(|_| self.parts.key_name.as_str());
            let help = match nearest(&name, uniques.chain(indexes).chain(key)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: `unique {name}: (column)`"),
            };
            return bad(format!("`{}` has no index `{name}`", entity.name.name), help, None);
        };
        let nullable = elements.iter().filter_map(Element::field).find(|field| entity.fields[*field].nullable);
        if !unique {
            let message = format!("the index `{name}` is not unique");
            bad(message, "write `unique index`, or `replica identity full`".to_owned(), Some(at));
        } else if partial {
            let message = format!("the index `{name}` has only some of the rows");
            bad(message, "remove its `where`, or write `replica identity full`".to_owned(), Some(at));
        } else if elements.iter().any(|element| element.field().is_none()) {
            let message = format!("the index `{name}` is over an expression");
            bad(message, "use an index over columns, or `replica identity full`".to_owned(), Some(at));
        } else if deferrable {
            let (message, help, at) = deferred(at);
            bad(message, help, at);
        } else if let Some(field) = nullable {
            let field = &entity.fields[field];
            let message = format!("`{}` of the index `{name}` may be null", field.name);
            let help = "remove the `?` from its type, or write `replica identity full`";
            bad(message, help.to_owned(), Some(field.meta.span));
        }
    }

    fn bad_storage(&mut self, span: Span, message: String, help: String) {
        self.out.push(Diagnostic::new(codes::BAD_STORAGE, span, message).help(help));
    }

    /// The words of `storage` and `compression`, which only values that can be long have.
    pub(super) fn check_stored(&mut self, f: &ast::FieldDecl, ty: &Type) {
        let under = self.model.under(ty);
        let plain = under.dims == 0
            && match &under.base {
                Base::Builtin(name) => type_info(name).is_some_and(|info| info.usual_storage() == "plain"),
                Base::Enum(_) => true,
                _ => false,
            };
        let said = [
            ("storage", &f.storage, STORAGE_WORDS, "storage"),
            ("compression", &f.compression, COMPRESSION_WORDS, "method of compression"),
        ];
        for (modifier, word, known, what) in said {
            let Some(word) = word else { continue };
            let text = word.text.as_str();
            if !known.contains(&text) {
                let help = match nearest(text, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write {}, or remove `{modifier}`", either(known)),
                };
                self.bad_storage(word.at.0, format!("`{text}` is no {what}"), help);
            } else if plain && text != "plain" {
                let shown = self.project.describe(self.model, ty);
                let message = format!("values of {shown} are short, and are kept as they are");
                self.bad_storage(word.at.0, message, format!("remove `{modifier}`"));
            }
        }
    }

    /// What `with (…)` says, of a table or of an index by this method.
    pub(super) fn check_parameters(&mut self, settings: &[ast::Setting], method: Option<&str>) {
        parameters(settings, method, &mut self.out);
    }
}

/// `statistics (…)`, with numbers that Postgres takes.
pub(super) fn column_statistics(
    said: &ast::StatisticsDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Box<ColumnStatistics>> {
    let mut bad = |amount: &ast::Amount, what: &str, help: &str| {
        let message = format!("`{}` is no {what}", amount.text);
        out.push(Diagnostic::new(codes::BAD_STORAGE, amount.at.0, message).help(help));
    };
    let target = said.target.as_ref().and_then(|amount| match amount.text.parse::<u16>() {
        Ok(target) if target <= MOST_STATISTICS => Some(target),
        _ => {
            bad(amount, "statistics target", "write a whole number from 0 to 10000; 100 is the usual one");
            None
        }
    });
    let mut count = |amount: &Option<ast::Amount>| {
        let amount = amount.as_ref()?;
        match amount.text.parse::<f64>() {
            Ok(count) if (-1.0..=MOST_VALUES).contains(&count) && count != 0.0 => Some(count),
            _ => {
                let help = "write how many there are, or from -1 on a part of the rows: `-0.5` is one in two rows";
                bad(amount, "number of distinct values", help);
                None
            }
        }
    };
    let said = ColumnStatistics { target, distinct: count(&said.distinct), inherited: count(&said.inherited) };
    (said != ColumnStatistics::default()).then(|| Box::new(said))
}

/// Settings of a function that Postgres does not have, that only the server has, or that do not take their value.
pub(super) fn settings(settings: &[ast::Setting], out: &mut Vec<Diagnostic>) {
    for setting in settings {
        let name = setting.name.text.as_str();
        let mut bad = |message: String, help: String| {
            out.push(Diagnostic::new(codes::BAD_SETTING, setting.at.0, message).help(help));
        };
        match specc_facts::setting(name) {
            // Names with a dot belong to extensions, or to the author.
            None if name.contains('.') => {}
            None => {
                let near = nearest(name, specc_facts::setting_names());
                let help = near.map_or_else(
                    || "one of your own has a dot: `app.name`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                bad(format!("there is no setting `{name}`"), help);
            }
            Some(found) if !found.in_session => {
                bad(format!("`{name}` cannot be set in a session"), "it is a setting of the server".to_owned());
            }
            Some(found) if found.name == "TimeZone" => {
                if let Some(meant) = specc_facts::zone_meant(&setting.value) {
                    bad(format!("there is no time zone `{}`", setting.value), format!("did you mean `{meant}`?"));
                }
            }
            Some(found) => {
                if let Err(help) = found.read(&setting.value) {
                    bad(format!("`{name}` does not take `{}`", setting.value), help);
                }
            }
        }
    }
}

/// Parameters that Postgres does not have, or not with this value. Nothing is known of a method that is not known.
pub(super) fn parameters(settings: &[ast::Setting], method: Option<&str>, out: &mut Vec<Diagnostic>) {
    let of = method.unwrap_or("table");
    for setting in settings {
        let (whole, value) = (setting.name.text.as_str(), setting.value.as_str());
        let (of, name) = match whole.split_once('.') {
            None => (of, whole),
            Some(("toast", name)) if method.is_none() => ("toast", name),
            // An extension may look at what has its name.
            Some(_) => continue,
        };
        let known = || specc_facts::parameters().filter(|parameter| parameter.is_of(of));
        let what = match method {
            Some(method) => format!("a `{method}` index"),
            None => "a table".to_owned(),
        };
        // What is said of each column of an index of the extension has the column's number.
        if of == "bloom" && name.strip_prefix("col").is_some_and(|at| at.parse::<u8>().is_ok()) {
            continue;
        }
        let Some(found) = known().find(|parameter| parameter.name == name) else {
            let help = match nearest(name, known().map(|parameter| parameter.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known().next().is_none() => "remove it".to_owned(),
                None => {
                    let names: Vec<_> = known().map(|parameter| parameter.name).take(4).collect();
                    format!("remove it, or write {}", either(&names))
                }
            };
            let message = format!("{what} has no parameter `{whole}`");
            out.push(Diagnostic::new(codes::BAD_STORAGE, setting.name.at.0, message).help(help));
            continue;
        };
        if !found.value.takes(value) {
            let help = match found.value {
                specc_facts::ParameterValue::Boolean => "write `on` or `off`".to_owned(),
                specc_facts::ParameterValue::Number(least, most) => format!("write a number from {least} to {most}"),
                specc_facts::ParameterValue::Word(words) => {
                    format!("write {}", either(&words.split('|').collect::<Vec<_>>()))
                }
            };
            let message = format!("`{whole}` cannot be `{value}`");
            out.push(Diagnostic::new(codes::BAD_STORAGE, setting.at.0, message).help(help));
        }
    }
}

/// `` `a`, `b` or `c` ``
fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
