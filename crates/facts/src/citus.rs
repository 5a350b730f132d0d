//! What Citus allows, and where that is known from: its own sources and the outputs of its regression tests, by their path in
//! the repository `citusdata/citus`. Facts are in our words; no text is taken over.

/// A rule of Citus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A key or unique constraint of a distributed table has the distribution column.
    UniqueHasColumn,
    /// So has a unique index.
    UniqueIndexHasColumn,
    /// So has an exclusion, with `=`.
    ExclusionHasColumn,
    /// A distributed table refers to one that is distributed in the same way.
    Colocated,
    /// The reference has both distribution columns, in the same place.
    ReferenceHasColumn,
    /// A distributed table refers to no local one.
    DistributedToLocal,
    /// A local table refers to no distributed one.
    LocalToDistributed,
    /// A reference table refers to no distributed one.
    ReferenceToDistributed,
    /// Nothing follows from a local table to a reference table.
    ReferenceToLocalAction,
    /// A reference that has the distribution column sets nothing.
    NoSetOnColumn,
    /// No triggers but on local tables.
    NoTriggers,
    /// No subqueries in policies but on local tables.
    NoSublinks,
    /// The distribution column is not computed.
    GeneratedColumn,
    /// Its type has a hash.
    HashedType,
    /// It is no `numeric` of a negative scale.
    NegativeScale,
    /// Identity columns are `bigint`.
    BigIdentity,
    /// Only distributed tables are partitioned.
    PartitionedReference,
    /// What is distributed in the same way has columns of the same type.
    ColocatedType,
}

/// What is known of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// In a sentence.
    pub says: &'static str,
    /// The versions of Citus that have it.
    pub versions: &'static str,
    /// The file of `citusdata/citus`.
    pub source: &'static str,
}

/// All of them.
pub const ALL: &[(Rule, Fact)] = &[
    (
        Rule::UniqueHasColumn,
        Fact {
            says: "keys and unique constraints of a distributed table have its distribution column",
            versions: "all",
            source: "src/test/regress/expected/multi_create_table_constraints.out",
        },
    ),
    (
        Rule::UniqueIndexHasColumn,
        Fact {
            says: "unique indexes of a distributed table have its distribution column",
            versions: "all",
            source: "src/test/regress/expected/multi_index_statements.out",
        },
    ),
    (
        Rule::ExclusionHasColumn,
        Fact {
            says: "an exclusion of a distributed table compares its distribution column with =",
            versions: "all",
            source: "src/test/regress/expected/multi_create_table_constraints.out",
        },
    ),
    (
        Rule::Colocated,
        Fact {
            says: "foreign keys between distributed tables need them colocated",
            versions: "all",
            source: "src/backend/distributed/commands/foreign_constraint.c",
        },
    ),
    (
        Rule::ReferenceHasColumn,
        Fact {
            says: "such a foreign key has both distribution columns in the same place",
            versions: "all",
            source: "src/backend/distributed/commands/foreign_constraint.c",
        },
    ),
    (
        Rule::DistributedToLocal,
        Fact {
            says: "no foreign key leads from a distributed table to a local one",
            versions: "all",
            source: "src/backend/distributed/commands/foreign_constraint.c",
        },
    ),
    (
        Rule::LocalToDistributed,
        Fact {
            says: "no foreign key leads from a local table to a distributed one",
            versions: "all",
            source: "src/backend/distributed/commands/create_distributed_table.c",
        },
    ),
    (
        Rule::ReferenceToDistributed,
        Fact {
            says: "no foreign key leads from a reference table to a distributed one",
            versions: "all",
            source: "src/backend/distributed/commands/foreign_constraint.c",
        },
    ),
    (
        Rule::ReferenceToLocalAction,
        Fact {
            says: "a foreign key from a reference table to a local one has no action but restrict",
            versions: "10 on; before that there is none",
            source: "src/test/regress/expected/ref_citus_local_fkeys.out",
        },
    ),
    (
        Rule::NoSetOnColumn,
        Fact {
            says: "a foreign key with the distribution column neither sets null or a default, nor cascades an update",
            versions: "all",
            source: "src/backend/distributed/commands/foreign_constraint.c",
        },
    ),
    (
        Rule::NoTriggers,
        Fact {
            says: "triggers are refused on reference tables and on distributed ones, unless citus.enable_unsafe_triggers is on",
            versions: "all; the setting from 10.2 on",
            source: "src/backend/distributed/commands/trigger.c",
        },
    ),
    (
        Rule::NoSublinks,
        Fact {
            says: "policies of reference and distributed tables have no subquery",
            versions: "all that distribute policies",
            source: "src/backend/distributed/commands/policy.c",
        },
    ),
    (
        Rule::GeneratedColumn,
        Fact {
            says: "a computed column is no distribution column",
            versions: "all",
            source: "src/backend/distributed/commands/create_distributed_table.c",
        },
    ),
    (
        Rule::HashedType,
        Fact {
            says: "the type of the distribution column has a hash function",
            versions: "all",
            source: "src/backend/distributed/commands/create_distributed_table.c",
        },
    ),
    (
        Rule::NegativeScale,
        Fact {
            says: "a numeric with a negative scale is no distribution column",
            versions: "11.1 on",
            source: "src/test/regress/expected/pg15.out",
        },
    ),
    (
        Rule::BigIdentity,
        Fact {
            says: "identity columns are bigint, whose upper bits are the server's number",
            versions: "11.3 on; 11.2 took smaller ones, and before that there are none",
            source: "src/test/regress/expected/generated_identity.out",
        },
    ),
    (
        Rule::PartitionedReference,
        Fact {
            says: "a partitioned table is distributed by a column or local",
            versions: "all",
            source: "src/test/regress/expected/generated_identity.out",
        },
    ),
    (
        Rule::ColocatedType,
        Fact {
            says: "colocated tables are distributed by columns of one type",
            versions: "all",
            source: "src/backend/distributed/utils/colocation_utils.c",
        },
    ),
];

/// What is known of one.
pub fn fact(rule: Rule) -> Fact {
    // Each rule has its line, which a test holds.
    ALL.iter().find(|(other, _)| *other == rule).map_or(ALL[0].1, |(_, fact)| *fact)
}
