//! Every code, once. Its page, `pages/CODE.md`, has its title, why it matters, and a wrong and a right example; `specc
//! explain`, the docs and every diagnostic read it.
//!
//! Numbers are grouped: `E00xx` text, `E01xx` names, `E02xx` types and expressions, `E03xx` relations, `E04xx` entities
//! and constraints, `E05xx` behaviour, `E06xx` access, `E07xx` platform, `E08xx` seeds, promises and scenarios, `E09xx`
//! project, `A00xx` what `specc prove` asks. A code is never reused for something else.

use crate::Severity;
use serde::{Serialize, Serializer};

/// An error or a warning that specc reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u16);

impl Code {
    /// `E0101`.
    pub fn name(self) -> &'static str {
        TABLE[self.0 as usize].0
    }

    /// A short title, lowercase.
    pub fn title(self) -> &'static str {
        self.text().lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// Why it matters, without a final period.
    pub fn why(self) -> &'static str {
        let why = self.text().lines().find_map(|line| line.strip_prefix("Why: "));
        why.unwrap_or_default().trim_end_matches('.')
    }

    /// The page without its title.
    pub fn page(self) -> &'static str {
        self.text().split_once('\n').map_or("", |(_, page)| page.trim())
    }

    fn text(self) -> &'static str {
        TABLE[self.0 as usize].1
    }

    /// Whether it is about what `specc prove` asks.
    pub fn is_of_proofs(self) -> bool {
        self.name().starts_with('A')
    }

    /// Whether it is about what `specc bench` finds.
    pub fn is_of_plans(self) -> bool {
        self == IDLE_INDEX
    }

    /// Errors start with `E`; warnings, with `W` and `A`, can be accepted.
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

    /// All codes with their titles, as a table of Markdown that links the pages.
    pub fn table(pages: &str) -> String {
        let rows = Self::all().map(|code| format!("| [`{0}`]({pages}/{0}.md) | {1} |\n", code.name(), code.title()));
        format!("| code | title |\n|---|---|\n{}", rows.collect::<String>())
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
    ($($name:ident $number:literal)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u16)]
        enum Row { $($name),* }
        $(#[doc = concat!("`", $number, "`")] #[doc = include_str!(concat!("../pages/", $number, ".md"))]
        pub const $name: Code = Code(Row::$name as u16);)*
        static TABLE: &[(&str, &str)] = &[$(($number, include_str!(concat!("../pages/", $number, ".md")))),*];
    };
}

codes! {
    // text
    SYNTAX "E0001"
    UNCLOSED "E0002"
    TOO_DEEP "E0003"
    BAD_EXPRESSION "E0004"
    BAD_SQL "E0005"
    BAD_CHARACTER "E0006"
    FILE_NOT_UTF8 "E0007"
    ACCEPTS_NOTHING "W0008"
    CANNOT_ACCEPT "E0009"
    // names
    UNKNOWN_ENTITY "E0101"
    UNKNOWN_FIELD "E0102"
    UNKNOWN_TYPE "E0103"
    UNKNOWN_MIXIN "E0104"
    UNKNOWN_ROLE "E0105"
    UNKNOWN_FUNCTION "E0106"
    UNKNOWN_SCHEMA "E0107"
    UNKNOWN_LABEL "E0108"
    UNKNOWN_EXTENSION "E0109"
    UNKNOWN_RELATION "E0110"
    UNKNOWN_OBJECT "E0111"
    UNKNOWN_VARIABLE "E0112"
    DUPLICATE_NAME "E0120"
    DUPLICATE_FIELD "E0121"
    NAME_TOO_LONG "E0122"
    RESERVED_NAME "E0123"
    NAME_COLLISION "E0124"
    HIDDEN_CHARACTER "W0125"
    LOOKALIKE_NAME "W0126"
    ROW_COLUMN "W0127"
    // types and expressions
    TYPE_MISMATCH "E0201"
    DEFAULT_MISMATCH "E0202"
    NOT_BOOLEAN "E0203"
    BAD_TYPE_ARGUMENT "E0204"
    WRONG_ARGUMENTS "E0205"
    NOT_IMMUTABLE "E0206"
    NOT_ALLOWED_HERE "E0207"
    AMBIGUOUS "E0208"
    NULLABLE_KEY "E0209"
    NULL_COMPARISON "E0210"
    WRONG_COUNT "E0211"
    UNGROUPED "E0212"
    DISTINCT_ORDER "E0213"
    CONFLICT_KEY "E0214"
    // relations
    NO_KEY "E0301"
    NOT_UNIQUE_TARGET "E0302"
    REFERENCE_ARITY "E0303"
    REFERENCE_TYPE "E0304"
    WRONG_CARDINALITY "E0305"
    SET_NULL_NOT_NULL "E0306"
    AMBIGUOUS_INVERSE "E0307"
    SET_DEFAULT_NO_DEFAULT "E0308"
    BAD_ROLLING "E0310"
    HELD_PARTITION "E0311"
    KEEP_AGAINST_RETAIN "E0312"
    FOLLOWED_PARTITION "E0313"
    TAKEN_PARTITION "E0314"
    SEED_REFUSED "E0336"
    SEED_MAY_NOT_CHANGE "E0337"
    KEEP_AND_RETAIN "W0310"
    ROW_KEY "W0311"
    BAD_DISTRIBUTION "E0320"
    DISTRIBUTED_KEY "E0321"
    DISTRIBUTED_REFERENCE "E0322"
    DISTRIBUTED_ACTION "E0323"
    DISTRIBUTED_TRIGGER "E0324"
    DISTRIBUTED_POLICY "E0325"
    DISTRIBUTED_COLUMN "E0326"
    DISTRIBUTED_TABLE "E0327"
    UNKNOWN_CONDITION "E0370"
    QUERY_WITHOUT_GRANT "W0390"
    REQUIRED_BOTH_WAYS "W0309"
    // entities and constraints
    EMPTY_ENTITY "E0401"
    TWO_KEYS "E0402"
    BAD_GENERATED "E0403"
    BAD_INDEX "E0404"
    BAD_PARTITION "E0405"
    PARTITION_KEY "E0406"
    BAD_IDENTITY "E0407"
    EMPTY_ENUM "E0408"
    DUPLICATE_LABEL "E0409"
    MIXIN_CYCLE "E0410"
    MIXIN_ARGUMENTS "E0411"
    BAD_SEARCH "E0412"
    DEPENDENCY_CYCLE "E0413"
    BAD_EXCLUSION "E0414"
    TYPE_CYCLE "E0415"
    BAD_WAS "E0416"
    BAD_RETAIN "E0417"
    BAD_PERSON "E0418"
    BY_ORDER "E0419"
    UNCLASSED "W0420"
    BAD_REPLICA_IDENTITY "E0421"
    BAD_STORAGE "E0422"
    COMPUTED_COLUMN "E0423"
    BAD_SETTING "E0424"
    UNKNOWN_WORD "E0425"
    NULL_IN_DOMAIN "W0426"
    RULE_FOR_OWNER "E0430"
    FORCED_ON_HELPERS "E0431"
    // behaviour
    WORKFLOW_STATE "E0501"
    WORKFLOW_FIELD "E0502"
    WORKFLOW_UNREACHABLE "W0503"
    BAD_MAINTAINED "E0504"
    BAD_LIMIT "E0505"
    BAD_TRIGGER "E0506"
    BAD_FUNCTION "E0507"
    BAD_VIEW "E0508"
    VIEWER_MISSING "E0509"
    WORKFLOW_START "E0510"
    LIMIT_STEP "W0511"
    OPEN_SEARCH_PATH "E0512"
    CHANGING_CONDITION "E0513"
    CONDITIONAL_START "E0514"
    // access
    POLICY_COLUMNS "E0601"
    POLICY_CYCLE "E0602"
    POLICY_CLAUSE "E0603"
    CLOSED_ENTITY "W0604"
    PER_ROW_POLICY "W0605"
    ALWAYS_TRUE "W0606"
    USER_EDITABLE_CLAIM "W0607"
    DUPLICATE_RULE "E0608"
    FORBID_ONLY "W0609"
    KEPT_COLUMN "W0611"
    PREDICATE_CYCLE "E0612"
    SELECT_COLUMNS "E0613"
    SAME_ROW "W0614"
    HIDDEN_ROWS "W0615"
    QUERY_IN_HELPER "E0616"
    SESSION_PER_ROW "W0617"
    UNSEEN_ROWS "W0618"
    SHUT_INDEX "W0619"
    OPEN_SECRET "W0620"
    TRUNCATE_GRANT "W0622"
    BAD_GRANT "E0610"
    // platform
    WRONG_TARGET "E0701"
    BAD_BUCKET "E0702"
    BAD_SCHEDULE "E0703"
    BAD_WEBHOOK "E0704"
    BAD_REALTIME "E0705"
    // seeds
    SEED_VALUE "E0801"
    SEED_MISSING "E0802"
    SEED_LABEL "E0803"
    SEED_DUPLICATE "E0804"
    SEED_CYCLE "E0805"
    SEED_GENERATOR "E0806"
    SEED_TOO_MANY "E0807"
    UNKEPT_PROMISE "E0820"
    EMPTY_PROMISE "W0821"
    BAD_SCENARIO "E0822"
    // types for programs
    TYPES_SCHEMA "E0860"
    TYPES_DIFFER "E0861"
    TYPES_ROLE "E0862"
    OTHER_SORT "E0863"
    // what front-end code asks for
    FLOW_UNREAD "W0865"
    FLOW_UNSENT "W0866"
    FLOW_UNKNOWN "E0867"
    FLOW_REFUSED "E0868"
    FLOW_UNCLEAR "E0869"
    // pages
    DOCS_DIFFER "E0880"
    // project
    BAD_CONFIG "E0901"
    NO_SPECS "E0902"
    IMPOSSIBLE_CHANGE "E0903"
    EDITED_MIGRATION "E0904"
    PROBABLE_RENAME "E0905"
    DATA_LOSS "E0906"
    STALL "E0907"
    UNEXPECTED_CHANGE "E0908"
    FOREIGN_FILE "E0909"
    DAMAGED_STATE "E0910"
    MERGE_CONFLICT "E0911"
    SAME_STAMP "E0912"
    NO_CAST "E0913"
    ORIGIN_MISMATCH "E0916"
    BACKFILL_OF_TYPE "E0917"
    ORIGIN_UNKNOWN "E0918"
    IDLE "W0902"
    TWO_OWNERS "E0921"
    NOT_OWNED "E0922"
    NOT_KEPT "E0940"
    BAD_SIZE "E0950"
    SIZE_CIRCLE "E0951"
    BAD_QUERY "E0952"
    QUERY_REFUSED "E0953"
    WHOLE_TABLE "E0954"
    TOO_MANY_ROWS "E0955"
    PLAN_CHANGED "E0956"
    SLOW_QUERY "E0957"
    IDLE_INDEX "W0957"
    SECRET_IN_SETTINGS "E0980"
    DAMAGED_RECORD "E0981"
    NOT_APPROVED "E0982"
    NOT_PROVEN_THERE "E0983"
    UNMET_REQUIREMENT "E0984"
    UNANSWERED "W0430"
    // what `specc prove` asks
    ANONYMOUS_WRITE "A0001"
    DEAD_RULE "A0002"
    IDLE_CONDITION "A0003"
    REDUNDANT_RULE "A0004"
    UNSEEN_WRITE "A0005"
    TAKE_OVER "A0006"
    GIVE_AWAY "A0007"
    IMPERSONATION "A0008"
    SELF_JOIN "A0009"
    SELF_PROMOTION "A0010"
    FOREIGN_READ "A0011"
    FOREIGN_WRITE "A0012"
    MOVED_AWAY "A0013"
    FORMER_MEMBER "A0014"
    ALL_TENANTS "A0015"
    OPEN_CHILD "A0016"
    BROKEN_PROMISE "A0017"
    IDLE_PROMISE "A0018"
    WIDER "A0019"
    SELF_DECLARED "A0020"
    GAINED_RIGHT "A0021"
    UNGIVEN_RANK "A0022"
    ENDED_MEMBERSHIP "A0023"
    LAST_MANAGER "A0024"
    STRANGER "A0025"
    SHOWN_BY_VIEW "A0035"
    SHOWN_BY_FUNCTION "A0036"
    MOVED_FILE "A0037"
    OPEN_PART "A0038"
    CASCADED_DELETE "A0039"
    EXISTENCE_ORACLE "A0040"
    KEPT_IS_WRITTEN "A0041"
    LATE_START "A0042"
    RAISES "A0043"
    NULL_IN_LIST "A0044"
    LOOSE_PATH "A0045"
    BLIND_CHILD "A0046"
    PUBLIC_BUCKET "A0047"
    STALE_INVITATION "A0048"
    NOBODY_READS_MORE "A0049"
    WRITTEN_THROUGH_VIEW "A0050"
    EMPTIED "A0051"
    SHOWN_BY_COPY "A0052"
    BELIEVED_AT_SIGN_UP "A0053"
    SUM_OF_HIDDEN "A0054"
}
