//! Tables, their columns and how they are divided.

use super::{DataType, IndexKey, Parameters, Qualified, SequenceOptions, SqlExpr, is_default};
use crate::TableName;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

/// `create table`; its constraints, indexes, triggers and policies are objects of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "crate::store::StoredTable")]
pub struct Table {
    /// Its name.
    #[serde(flatten)]
    pub table: TableName,
    /// In order; empty for a partition, which has its parent's.
    pub columns: Vec<Column>,
    /// Not written to the log.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unlogged: bool,
    /// How it is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<PartitionBy>,
    /// What it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<(TableName, Bounds)>,
    /// What it inherits from, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<TableName>,
    /// Row level security.
    pub rls: Rls,
    /// Storage parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Parameters,
    /// `full`, `nothing`; absent: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_identity: Option<SmolStr>,
}

/// Whether row level security filters, and whether it filters the owner too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Rls {
    Off,
    On,
    Forced,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: DataType,
    /// Whether it takes null.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nullable: bool,
    /// Its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SqlExpr>,
    /// `generated always as (…) stored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Box<SqlExpr>>,
    /// Computed when read, not stored (from Postgres 18 on).
    #[serde(default, skip_serializing_if = "is_default")]
    pub virtual_generated: bool,
    /// `generated … as identity`: whether `always`, and its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<(bool, SequenceOptions)>>,
    /// Its collation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<Box<Qualified>>,
    /// `external`, `main` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Box<SmolStr>>,
    /// `lz4` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Box<SmolStr>>,
    /// What `analyze` keeps of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Box<ColumnStatistics>>,
    /// `comment on column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<SmolStr>,
}

/// What is set of the statistics of a column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// How many of the most common values are kept, and how many parts histograms have: 0 to 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u16>,
    /// `n_distinct`: how many values there are, or below zero a part of the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<f64>,
    /// `n_distinct_inherited`: the same over the partitions and heirs of the table too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<f64>,
}

/// Something of a column that a statement of its own sets, whether or not it comes with the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnSetting {
    /// `set storage`
    Storage,
    /// `set statistics`
    Target,
    /// `set (n_distinct = …)`
    Distinct,
    /// `set (n_distinct_inherited = …)`
    Inherited,
}

impl ColumnSetting {
    /// Each.
    pub const ALL: [Self; 4] = [Self::Storage, Self::Target, Self::Distinct, Self::Inherited];

    /// What a column says of it, as SQL has it.
    pub fn of(self, column: &Column) -> Option<SmolStr> {
        let statistics = column.statistics.as_deref();
        match self {
            Self::Storage => column.storage.as_deref().cloned(),
            Self::Target => statistics?.target.map(|target| format_smolstr!("{target}")),
            Self::Distinct => statistics?.distinct.map(|count| format_smolstr!("{count}")),
            Self::Inherited => statistics?.inherited.map(|count| format_smolstr!("{count}")),
        }
    }

    /// Its name in Postgres.
    pub fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Target => "statistics",
            Self::Distinct => "n_distinct",
            Self::Inherited => "n_distinct_inherited",
        }
    }

    /// Gives one column what another one says of it.
    pub fn copy(self, from: &Column, to: &mut Column) {
        if self == Self::Storage {
            to.storage.clone_from(&from.storage);
            return;
        }
        let said = from.statistics.as_deref().cloned().unwrap_or_default();
        let mut own = to.statistics.take().map(|own| *own).unwrap_or_default();
        match self {
            Self::Target => own.target = said.target,
            Self::Distinct => own.distinct = said.distinct,
            Self::Inherited | Self::Storage => own.inherited = said.inherited,
        }
        to.statistics = (own != ColumnStatistics::default()).then(|| Box::new(own));
    }
}

impl Column {
    /// What it says that a statement of its own sets.
    pub fn settings(&self) -> impl Iterator<Item = ColumnSetting> {
        ColumnSetting::ALL.into_iter().filter(|setting| setting.of(self).is_some())
    }

    /// A plain not-null column.
    pub fn new(name: impl Into<SmolStr>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            nullable: false,
            default: None,
            generated: None,
            virtual_generated: false,
            identity: None,
            collation: None,
            storage: None,
            compression: None,
            statistics: None,
            comment: None,
        }
    }
}

/// `partition by`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionBy {
    /// `range`, `list` or `hash`.
    pub method: SmolStr,
    /// What divides.
    pub keys: Vec<IndexKey>,
}

/// `for values …`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Bounds {
    Range { from: Vec<SqlExpr>, to: Vec<SqlExpr> },
    List(Vec<SqlExpr>),
    Hash { modulus: u32, remainder: u32 },
    Default,
}
