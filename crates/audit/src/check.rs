//! What a check is: its name, what it looks for, what it needs, and how it looks.

use crate::look::{Look, Refusal, Row};
use serde::Serialize;

/// How bad a finding is; the levels of Supabase's advisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// To be mended.
    Warning,
    /// Nothing goes live with it.
    Error,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// A section of the readiness review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Tables, columns, functions; whether they are what the spec and the migrations say.
    Schema,
    /// Rows that should not be there, and those that should.
    Data,
    /// Who may do what, and who could find out more than that.
    Security,
    /// How fast, and how long it goes on working.
    Performance,
    /// What is around the tables: buckets, jobs, the publication, the code of clients.
    Integration,
}

impl Section {
    /// All, in the order of the review.
    pub const ALL: [Section; 5] =
        [Section::Schema, Section::Data, Section::Security, Section::Performance, Section::Integration];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Section::Schema => "schema",
            Section::Data => "data",
            Section::Security => "security",
            Section::Performance => "performance",
            Section::Integration => "integration",
        }
    }

    /// Its heading, which says where the review has it.
    pub fn title(self) -> &'static str {
        match self {
            Section::Schema => "2. Schema and tables",
            Section::Data => "3. Data quality and seed state",
            Section::Security => "4. Security and compliance",
            Section::Performance => "5. Performance and reliability",
            Section::Integration => "6. Front end and back end",
        }
    }
}

/// A column of the sign-off matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The table is as the spec and good sense have it.
    Schema,
    /// Who may reach its rows.
    Rls,
    /// Its indexes.
    Indexes,
    /// Its rows.
    Seed,
    /// What the server keeps of it, and how that is looked after.
    Monitoring,
}

impl Area {
    /// All, from left to right.
    pub const ALL: [Area; 5] = [Area::Schema, Area::Rls, Area::Indexes, Area::Seed, Area::Monitoring];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Area::Schema => "Schema",
            Area::Rls => "RLS",
            Area::Indexes => "Indexes",
            Area::Seed => "Seed",
            Area::Monitoring => "Monitoring",
        }
    }
}

/// What has to be there for a check to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Whoever connects is a member of this role of Postgres's own, or a superuser.
    Role(&'static str),
    /// Whoever connects is a superuser.
    Superuser,
    /// The database has this extension.
    Extension(&'static str),
    /// One of the roles as which clients ask is there.
    Clients,
    /// The project's spec.
    Spec,
    /// The spec as this version of Postgres says it, for which a scratch server is started.
    Canonical,
    /// Rows may be read: the budget is not nothing.
    Rows,
    /// A folder with the code of clients.
    Code,
    /// What watches the database.
    Watched,
    /// The projects of an organisation of the platform.
    Organization,
}

/// How a check looks.
#[derive(Clone, Copy)]
pub enum How {
    /// By a query: each row is a finding.
    Query(&'static str),
    /// By more than one query.
    Asked(fn(&mut Look<'_, '_>) -> Result<Seen, Refusal>),
}

/// What a check saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// A finding each. What the templates of the check name has to be in them.
    pub rows: Vec<Row>,
    /// What was not looked at, each with the way out.
    pub unseen: Vec<String>,
}

/// Something that the examination looks for.
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// Where the review has it.
    pub section: Section,
    /// How bad it is.
    pub severity: Severity,
    /// Which column of the sign-off matrix it decides, if any.
    pub area: Option<Area>,
    /// What it looks for.
    pub asks: &'static str,
    /// What is wrong; `{column}` is what the row says.
    pub says: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// The command or the line of the spec that mends it.
    pub mend: &'static str,
    /// By what a finding is known again; its name and its object where this is empty.
    pub key: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    /// How it looks.
    pub how: How,
    /// A query for what it cannot see as whoever connects, `object` and `way`; none where this is empty.
    pub unseen: &'static str,
}

/// What most checks have in common.
pub(crate) const BASE: Check = Check {
    name: "",
    section: Section::Schema,
    severity: Severity::Warning,
    area: None,
    asks: "",
    says: "",
    why: "",
    mend: "",
    key: "",
    needs: &[],
    how: How::Query(""),
    unseen: "",
};
