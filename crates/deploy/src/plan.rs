//! What would be done, as it is shown and approved.

use serde::{Deserialize, Serialize};

/// A file that would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Stamp and name.
    pub title: String,
    /// The stamp alone.
    pub stamp: String,
    /// The SHA-256 of its text.
    pub checksum: String,
    /// How many statements it has.
    pub statements: usize,
    /// Whether it is one transaction.
    pub transaction: bool,
    /// What it loses, as the build says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<String>,
}

/// Rows that an empty database gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The file.
    pub path: String,
    /// The SHA-256 of its text.
    pub checksum: String,
}

/// A project of Supabase that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// The slug of the organisation.
    pub organization: String,
    /// Where.
    pub region: String,
    /// The plan that the organisation is expected to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// All that is approved: what would be done, and the state of what it would be done to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// User, host and database; what would be made, where it is not there yet.
    pub target: String,
    /// The server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The project of Supabase that is made first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Creation>,
    /// Files that would run, in this order.
    pub files: Vec<PlannedFile>,
    /// The runner's own hash of them: their bytes, order and direction.
    pub run: String,
    /// The SHA-256 of the catalog that should be there in the end.
    pub wanted: String,
    /// The SHA-256 of the catalog that is there; none where nothing is.
    pub found: String,
    /// The SHA-256 of what the database says of its migrations.
    pub journal: String,
    /// Rows that it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// Whether it is dumped first.
    pub backup: bool,
    /// The file with what programs need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// The environment that has run and proven it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_from: Option<String>,
}

impl Plan {
    /// By what it is approved: another byte anywhere in it is another hash.
    pub fn hash(&self) -> String {
        specc_catalog::checksum(serde_json::to_string(self).unwrap_or_default())
    }

    /// Whether there is nothing to do to the database.
    pub fn is_idle(&self) -> bool {
        self.files.is_empty() && self.create.is_none() && self.seed.is_none()
    }

    /// What all files lose together.
    pub fn losses(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| file.loses.iter().map(String::as_str))
    }

    /// Whether what is left to do, seen after some of it was done, is a part of this: no other file, no other byte, and the
    /// same catalog in the end.
    pub fn covers(&self, left: &Plan) -> bool {
        let end = self.files.iter().map(|file| &file.checksum);
        let left_files = left.files.iter().map(|file| &file.checksum);
        let is_end =
            left.files.len() <= self.files.len() && end.rev().zip(left_files.rev()).all(|(one, other)| one == other);
        is_end
            && (&self.wanted, &self.project, &self.environment) == (&left.wanted, &left.project, &left.environment)
            // A project that is made has its address only then.
            && (self.create.is_some() || self.target == left.target)
            && (&self.env_file, &self.promoted_from) == (&left.env_file, &left.promoted_from)
    }

    /// As lines of text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("deploy {} to {} ({})", self.project, self.environment, self.target)];
        let mut n = 0;
        let mut item = |text: String| {
            n += 1;
            lines.push(format!("{n:>3}. {text}"));
        };
        if let Some(from) = &self.promoted_from {
            item(format!("only what `{from}` has run and proven"));
        }
        if let Some(create) = &self.create {
            let plan = create.plan.as_ref().map(|plan| format!(", plan {plan}")).unwrap_or_default();
            item(format!(
                "make the Supabase project `{}` in the organisation `{}`, region {}{plan}",
                create.name, create.organization, create.region
            ));
        }
        if self.backup {
            item("back up the database".to_owned());
        }
        for file in &self.files {
            let how = if file.transaction { "in one transaction" } else { "step by step" };
            let s = if file.statements == 1 { "" } else { "s" };
            let loses: String = file.loses.iter().map(|loss| format!("\n     loses {loss}")).collect();
            item(format!("apply {}: {} statement{s} {how}{loses}", file.title, file.statements));
        }
        if let Some(seed) = &self.seed {
            item(format!("add the rows of {}", seed.path));
        }
        item("verify: catalog, rows, access, and a request as each role".to_owned());
        if let Some(file) = &self.env_file {
            item(format!("write {file}, for its owner alone"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, PlannedFile, Seed};

    fn plan() -> Plan {
        let file = PlannedFile {
            title: "20260101000000_init".into(),
            stamp: "20260101000000".into(),
            checksum: "a".repeat(64),
            statements: 3,
            transaction: true,
            loses: vec!["all rows of public.a".into()],
        };
        Plan {
            project: "shop".into(),
            environment: "staging".into(),
            target: "ann@db/shop".into(),
            server: Some("18.1".into()),
            files: vec![file],
            run: "b".repeat(64),
            wanted: "c".repeat(64),
            found: "d".repeat(64),
            journal: "e".repeat(64),
            seed: Some(Seed { path: "seeds/dev.sql".into(), checksum: "f".repeat(64) }),
            backup: true,
            env_file: Some(".env.staging".into()),
            create: None,
            promoted_from: None,
        }
    }

    #[test]
    fn what_is_left_is_the_end_of_what_was_approved() {
        let mut plan = plan();
        let more = PlannedFile { checksum: "9".repeat(64), ..plan.files[0].clone() };
        plan.files.push(more);
        let left = |at: usize| Plan { files: plan.files[at..].to_vec(), found: String::new(), ..plan.clone() };
        assert!((0..=2).all(|at| plan.covers(&left(at))));
        assert!(
            !plan.covers(&Plan { files: plan.files[..1].to_vec(), ..plan.clone() }),
            "the second one cannot be done first"
        );
        let mut other = left(1);
        other.files[0].checksum.replace_range(0..1, "8");
        assert!(!plan.covers(&other));
        assert!(!left(1).covers(&plan));
        assert!(!plan.covers(&Plan { wanted: "0".repeat(64), ..left(1) }));
    }

    /// One byte of any value in a plan, wherever it stands, is another hash.
    #[test]
    fn one_byte_anywhere_is_another_hash() {
        let plan = plan();
        let text = serde_json::to_string(&plan).expect("JSON");
        let mut changed = 0;
        for (at, byte) in text.bytes().enumerate() {
            let other = match byte {
                b'0'..=b'8' | b'a'..=b'y' => byte + 1,
                _ => continue,
            };
            let mut bytes = text.clone().into_bytes();
            bytes[at] = other;
            // A byte of a name of a field makes no plan.
            let Ok(other) = serde_json::from_slice::<Plan>(&bytes) else { continue };
            if other == plan {
                continue;
            }
            assert_ne!(other.hash(), plan.hash(), "{}", String::from_utf8_lossy(&bytes));
            changed += 1;
        }
        assert!(changed > 400, "{changed}");
    }
}
