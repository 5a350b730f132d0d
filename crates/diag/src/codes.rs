//! Every code, once: its number, its title, and why it matters. `specc explain` and the docs read this table.
//!
//! Numbers are grouped: `E00xx` text, `E01xx` names, `E02xx` types and expressions, `E03xx` relations, `E04xx` entities
//! and constraints, `E05xx` behaviour, `E06xx` access, `E07xx` platform, `E08xx` seeds, `E09xx` project. A code is never
//! reused for something else.

use crate::Severity;
use serde::{Serialize, Serializer};

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u16);

/// What the table says of a code.
#[derive(Debug)]
pub struct Info {
    /// `E0101`.
    pub name: &'static str,
    /// A short title, lowercase.
    pub title: &'static str,
    /// Why it matters, a sentence without a final period.
    pub why: &'static str,
}

impl Code {
    /// The row.
    pub fn info(self) -> &'static Info {
        &TABLE[self.0 as usize]
    }

    /// `E0101`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Errors start with `E`, warnings with `W`.
    pub fn severity(self) -> Severity {
        if self.name().starts_with('E') { Severity::Error } else { Severity::Warning }
    }

    /// Whether such a finding may be false where other text could not be read: what is missing, or what nothing opens, may
    /// be declared there. Text that is nested too deeply has been reported by then.
    pub fn may_follow_from_broken_text(self) -> bool {
        let name = self.name();
        name.starts_with("E010")
            || matches!(name, "E0003" | "E0110" | "E0111" | "E0401" | "E0408" | "E0802" | "E0803")
            || matches!(name, "W0503" | "W0604" | "W0609")
    }

    /// All codes in order.
    pub fn all() -> impl Iterator<Item = Code> {
        (0..TABLE.len() as u16).map(Code)
    }

    /// The code with this name.
    pub fn find(name: &str) -> Option<Code> {
        Self::all().find(|c| c.name().eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

macro_rules! codes {
    ($($name:ident $number:literal $title:literal $why:literal)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u16)]
        enum Row { $($name),* }
        $(#[doc = concat!("`", $number, "`: ", $title, ".")] pub const $name: Code = Code(Row::$name as u16);)*
        static TABLE: &[Info] = &[$(Info { name: $number, title: $title, why: $why }),*];
    };
}

codes! {
    // text
    SYNTAX "E0001" "unexpected text" "specc cannot tell what is meant here, so nothing is generated from this file"
    UNCLOSED "E0002" "unclosed block, string or comment" "everything after it would be read as part of it"
    TOO_DEEP "E0003" "nested too deeply" "no author means this, and Postgres would refuse it too"
    BAD_EXPRESSION "E0004" "not a SQL expression" "expressions go to Postgres as written, so they have to be SQL"
    BAD_SQL "E0005" "not a SQL statement" "SQL bodies go to Postgres as written, and what they depend on is read from them"
    BAD_CHARACTER "E0006" "character that cannot be used here" "Postgres cannot store it in a name or a text"
    FILE_NOT_UTF8 "E0007" "file is not UTF-8" "names and texts would reach the database garbled"
    // names
    UNKNOWN_ENTITY "E0101" "unknown entity" "a relation, policy or seed needs an entity that is declared"
    UNKNOWN_FIELD "E0102" "unknown field" "the column does not exist, so Postgres would refuse the statement"
    UNKNOWN_TYPE "E0103" "unknown type" "a column needs a type that Postgres or the spec knows"
    UNKNOWN_MIXIN "E0104" "unknown mixin" "the fields and rules that it should bring would be missing"
    UNKNOWN_ROLE "E0105" "unknown role" "a policy or grant for a role that nobody has would silently do nothing or fail on load"
    UNKNOWN_FUNCTION "E0106" "unknown function" "Postgres would refuse the statement"
    UNKNOWN_SCHEMA "E0107" "unknown schema" "an object can only live in a schema that exists"
    UNKNOWN_LABEL "E0108" "unknown enum label" "the comparison or assignment would fail at run time"
    UNKNOWN_EXTENSION "E0109" "extension not declared" "the type or function comes from an extension that the migration would not install"
    UNKNOWN_RELATION "E0110" "unknown relation" "a path follows declared references or their inverses"
    UNKNOWN_OBJECT "E0111" "unknown object" "what depends on it could not be created in the right order"
    DUPLICATE_NAME "E0120" "name used twice" "two objects of one kind cannot share a name, and one would silently win"
    DUPLICATE_FIELD "E0121" "field declared twice" "a table has a column once"
    NAME_TOO_LONG "E0122" "name longer than 63 bytes" "Postgres cuts names at 63 bytes, and two cut names can collide"
    RESERVED_NAME "E0123" "name reserved by Postgres" "Postgres keeps this name for itself"
    NAME_COLLISION "E0124" "generated name collides" "the name that specc would give is taken; one of the two needs a name of its own"
    // types and expressions
    TYPE_MISMATCH "E0201" "types do not compare" "Postgres has no operator for these types, so the statement would fail on load"
    DEFAULT_MISMATCH "E0202" "default does not fit its column" "the first insert that relies on the default would fail"
    NOT_BOOLEAN "E0203" "condition is not boolean" "a condition has to be true or false"
    BAD_TYPE_ARGUMENT "E0204" "type argument out of range" "Postgres would refuse the type"
    WRONG_ARGUMENTS "E0205" "wrong arguments" "no function of this name takes these arguments"
    NOT_IMMUTABLE "E0206" "expression is not immutable" "an index or generated column must give the same answer at every time"
    NOT_ALLOWED_HERE "E0207" "construct not allowed here" "Postgres cannot evaluate it in this place"
    AMBIGUOUS "E0208" "ambiguous name" "it could mean two things, and specc does not guess"
    NULLABLE_KEY "E0209" "nullable key" "a primary key identifies a row and so is never null"
    NULL_COMPARISON "E0210" "comparison with null" "`= null` is never true; it hides every row or passes every check"
    // relations
    NO_KEY "E0301" "reference to an entity without a key" "a foreign key needs a primary key or unique columns to point to"
    NOT_UNIQUE_TARGET "E0302" "reference to columns that are not unique" "Postgres would refuse the foreign key"
    REFERENCE_ARITY "E0303" "reference with a different number of columns" "each column of the reference points to one of the target"
    REFERENCE_TYPE "E0304" "reference columns of different types" "the foreign key could not compare them"
    WRONG_CARDINALITY "E0305" "wrong relation cardinality" "the path gives many rows where one is needed, or one where many are meant"
    SET_NULL_NOT_NULL "E0306" "set null on a column that is not null" "deleting the parent would fail instead of clearing the reference"
    AMBIGUOUS_INVERSE "E0307" "two relations with one inverse name" "a path through it could mean either"
    SET_DEFAULT_NO_DEFAULT "E0308" "set default on a column without a default" "deleting the parent would try to write a null"
    // entities and constraints
    EMPTY_ENTITY "E0401" "entity without fields" "there would be nothing to store"
    TWO_KEYS "E0402" "two primary keys" "a table has one primary key"
    BAD_GENERATED "E0403" "generated column out of order" "a generated column cannot use another generated column, a default, or an identity"
    BAD_INDEX "E0404" "index that Postgres cannot build" "the migration would fail on load"
    BAD_PARTITION "E0405" "partitioning that Postgres cannot build" "the migration would fail on load, or rows would have no place"
    PARTITION_KEY "E0406" "key without the partition columns" "Postgres can hold a key on a partitioned table only if it has the partition columns"
    BAD_IDENTITY "E0407" "identity on a type that cannot count" "identity columns are smallint, int or bigint"
    EMPTY_ENUM "E0408" "enum without labels" "no value could ever be stored"
    DUPLICATE_LABEL "E0409" "enum label twice" "Postgres would refuse the type"
    MIXIN_CYCLE "E0410" "mixin that uses itself" "it would never end"
    MIXIN_ARGUMENTS "E0411" "wrong mixin arguments" "the mixin's fields could not be named"
    BAD_SEARCH "E0412" "search over something that is not text" "full text search reads text"
    DEPENDENCY_CYCLE "E0413" "objects that need each other" "no order of creation exists"
    BAD_EXCLUSION "E0414" "exclusion that Postgres cannot build" "the migration would fail on load"
    TYPE_CYCLE "E0415" "type that holds itself" "it would have no end"
    BAD_WAS "E0416" "rename from a name that is still there" "one of the two would be lost"
    // behaviour
    WORKFLOW_STATE "E0501" "workflow over an unknown state" "the transition could never happen"
    WORKFLOW_FIELD "E0502" "workflow over a field that is not an enum or text" "states are labels"
    WORKFLOW_UNREACHABLE "W0503" "state that nothing leads to" "no row could ever reach it"
    BAD_MAINTAINED "E0504" "maintained value that cannot be kept" "the triggers could not keep it true"
    BAD_LIMIT "E0505" "limit that cannot be enforced" "the places could not be counted without a race"
    BAD_TRIGGER "E0506" "trigger that Postgres would refuse" "the migration would fail on load"
    BAD_FUNCTION "E0507" "function that Postgres would refuse" "the migration would fail on load"
    BAD_VIEW "E0508" "view that Postgres would refuse" "the migration would fail on load"
    VIEWER_MISSING "E0509" "no viewer declared" "`viewer` has to be an entity before a condition can ask who is looking"
    // access
    POLICY_COLUMNS "E0601" "columns that the action does not take" "a list of columns narrows what can be read or written, so each has to be one that the action can"
    POLICY_CYCLE "E0602" "policies that read each other" "Postgres stops such a query with an error at run time (42P17)"
    POLICY_CLAUSE "E0603" "clause that the action does not have" "an insert has no old row, and a select or delete has no new one"
    CLOSED_ENTITY "W0604" "entity that no policy opens" "row level security is on and nothing allows access, so only the owner reads it"
    PER_ROW_POLICY "W0605" "condition that runs once for each row" "measured hundreds of times slower than the set form on large tables"
    ALWAYS_TRUE "W0606" "write open to everyone" "anyone who can reach the database could change every row"
    USER_EDITABLE_CLAIM "W0607" "claim that users can edit" "`user_metadata` is written by the user, so it proves nothing"
    DUPLICATE_RULE "E0608" "rule declared twice" "two policies on one table cannot share a name"
    FORBID_ONLY "W0609" "entity with only `forbid` rules" "restrictive rules narrow what is allowed, and here nothing is"
    KEPT_COLUMN "W0611" "writable column that a trigger sets" "what users write there is overwritten without a word"
    BAD_GRANT "E0610" "privilege that the object does not have" "Postgres would refuse the grant"
    // platform
    WRONG_TARGET "E0701" "construct of another target" "a plain Postgres has no buckets, realtime, schedules or webhooks"
    BAD_BUCKET "E0702" "bucket that the platform would refuse" "the upload limits would not hold"
    BAD_SCHEDULE "E0703" "not a cron schedule" "the job would never run"
    BAD_WEBHOOK "E0704" "webhook that cannot be called" "the call would be lost"
    BAD_REALTIME "E0705" "table that realtime cannot follow" "subscribers would get no events"
    // seeds
    SEED_VALUE "E0801" "seed value that does not fit" "the insert would fail on load"
    SEED_MISSING "E0802" "seed row without a required value" "the insert would fail on load"
    SEED_LABEL "E0803" "unknown seed label" "the row that it should point to is not there"
    SEED_DUPLICATE "E0804" "seed label twice" "a reference to it could mean either row"
    SEED_CYCLE "E0805" "seed rows that need each other" "neither could be inserted first"
    SEED_GENERATOR "E0806" "unknown generator" "no value could be made"
    SEED_TOO_MANY "E0807" "too many generated rows" "the file would be too large to review or load"
    // project
    BAD_CONFIG "E0901" "project file with an unknown or wrong setting" "the build would not do what the file says"
    NO_SPECS "E0902" "no spec files" "there is nothing to build"
    IMPOSSIBLE_CHANGE "E0903" "no way from the last migration to the spec" "the database could not follow and keep its rows"
    EDITED_MIGRATION "E0904" "migration edited after it was written" "what was reviewed is not what would run"
    PROBABLE_RENAME "E0905" "something is gone and something like it is new" "taken as a drop and an add, its rows would be lost"
    DATA_LOSS "E0906" "rows or values would be lost" "no down script brings them back"
    STALL "E0907" "everyone would have to wait while a table is read or written" "a busy database would stand still"
}
