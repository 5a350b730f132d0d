//! Files and changes that are listened to, set against the schema.

use crate::check::{Outcome, Schema, unknown};
use crate::need::{Need, What, shown};
use crate::request::{Client, Files, Listening};
use smol_str::SmolStr;
use specc_catalog::{Command, Kind, Object, Policy, TableName};
use specc_diag::{Diagnostic, codes, nearest};
use specc_split::{Lexer, Token, TokenKind};

/// The publication whose changes the platform sends on.
const REALTIME: &str = "supabase_realtime";

impl Schema<'_> {
    /// What comes of what is done with files.
    pub(crate) fn files(&self, files: &Files) -> Outcome {
        let mut found = Outcome::default();
        let name = &files.bucket.text;
        let buckets = self.catalog.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Bucket(bucket) => Some(bucket),
            _ => None,
        });
        let buckets: Vec<_> = buckets.collect();
        let Some(bucket) = buckets.iter().find(|bucket| bucket.id == *name) else {
            let near = nearest(name, buckets.iter().map(|bucket| bucket.id.as_str()));
            found.findings.push(unknown(
                files.bucket.part(0, name.len()),
                format!("there is no bucket `{name}`"),
                near,
            ));
            return found;
        };
        let commands: &[Command] = match files.method.as_str() {
            "upload" | "uploadToSignedUrl" if files.upsert => &[Command::Insert, Command::Select, Command::Update],
            "upload" => &[Command::Insert],
            "update" => &[Command::Select, Command::Update],
            "move" => &[Command::Select, Command::Update],
            "copy" => &[Command::Select, Command::Insert],
            "remove" => &[Command::Select, Command::Delete],
            "download" | "createSignedUrl" | "createSignedUrls" | "list" | "info" | "exists" => &[Command::Select],
            "createSignedUploadUrl" => &[Command::Insert],
            "getPublicUrl" if !bucket.public => {
                let message = format!("the bucket `{name}` is not public, so its public addresses give nothing");
                let finding = Diagnostic::new(codes::FLOW_REFUSED, files.span, message);
                found.findings.push(finding.help("ask for a signed one: `createSignedUrl`"));
                return found;
            }
            _ => &[],
        };
        let word = |command: &Command| match command {
            Command::Insert => "add files to",
            Command::Update => "replace files of",
            Command::Delete => "remove files from",
            Command::Select | Command::All => "read files of",
        };
        let lets = |role: &SmolStr, command: &Command| self.lets_files(role, name, *command);
        if files.client.roles.iter().any(|role| commands.iter().all(|command| lets(role, command))) {
            return found;
        }
        for command in commands.iter().filter(|command| !files.client.roles.iter().any(|role| lets(role, command))) {
            let message = format!("no rule lets {} {} the bucket `{name}`", named(&files.client), word(command));
            let finding = Diagnostic::new(codes::FLOW_REFUSED, files.span, message);
            found.findings.push(finding.help(format!("`{}` needs it: open it in a rule of the bucket", files.method)));
        }
        found
    }

    /// Whether a policy lets a role do something to the files of a bucket.
    fn lets_files(&self, role: &str, bucket: &str, command: Command) -> bool {
        let table = TableName::new("storage", "objects");
        let about = |policy: &&Policy| {
            let texts = [&policy.using, &policy.check].into_iter().flatten();
            texts
                .map(|text| buckets_of(&text.text))
                .all(|named| named.is_empty() || named.iter().any(|name| name == bucket))
        };
        self.rights.bypasses(role)
            || self.rights.policies_of(role, &table, command).filter(about).any(|policy| policy.permissive)
    }

    /// What comes of listening to changes.
    pub(crate) fn listening(&self, listening: &Listening) -> Outcome {
        let mut found = Outcome::default();
        let schema = listening.schema.as_ref().map_or("public", |schema| schema.text.as_str());
        let Some(said) = &listening.table else { return found };
        if said.text == "*" {
            return found;
        }
        let table = TableName::new(schema, said.text.clone());
        let Some(relation) = self.relation(&table) else {
            self.missing(&table, said.span, &mut found);
            return found;
        };
        if !self.catalog.contains(&table.part(Kind::PublicationTable, REALTIME)) {
            let message = format!("changes of `{}` are sent to nobody", shown(&table));
            let finding = Diagnostic::new(codes::FLOW_UNSENT, said.span, message);
            found
                .findings
                .push(finding.help(format!("publish the table in the spec: `realtime {{ {} }}`", shown(&table))));
        }
        self.reads(&relation, said.span, &mut found);
        if let Some(filter) = &listening.filter
            && let Some((column, _)) = filter.text.split_once('=')
        {
            let at = filter.part(0, column.len());
            let there = self.api.relation(&table).into_iter().flat_map(|relation| &relation.columns);
            let names: Vec<&str> = there.map(|column| column.name.as_str()).collect();
            if names.contains(&column) {
                found.needs.push(Need { what: What::Column(relation, column.into(), Command::Select), span: at });
            } else {
                let near = nearest(column, names);
                found.findings.push(unknown(at, format!("`{}` has no column `{column}`", shown(&table)), near));
            }
        }
        found
    }
}

/// The buckets that a condition names: `bucket_id = 'name'`.
fn buckets_of(text: &str) -> Vec<String> {
    let tokens: Vec<Token> = Lexer::new(text).map_while(Result::ok).collect();
    let word = |token: &Token| &text[token.start..token.end];
    let found = tokens
        .windows(3)
        .filter(|three| word(&three[0]).trim_matches('"') == "bucket_id" && three[1].kind == TokenKind::Symbol(b'='));
    found.filter_map(|three| Some(word(&three[2]).strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))).collect()
}

/// The roles of a client in a sentence.
fn named(client: &Client) -> String {
    client.roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn buckets_of_conditions() {
        assert_eq!(super::buckets_of("bucket_id = 'a' and (x = 'b')"), ["a"]);
        assert_eq!(super::buckets_of("\"bucket_id\" = 'it''s' or bucket_id <> 'c'"), ["it's"]);
        assert!(super::buckets_of("owner_id = 'a'").is_empty());
    }
}
