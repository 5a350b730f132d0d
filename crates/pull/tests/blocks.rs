//! What stands in blocks says all that the catalog says.

use specc_catalog::{Catalog, Column, DataType, Entry, Rls, Sequence, SequenceOptions, SqlExpr, Table, TableName};
use specc_model::Target;
use specc_pull::{Options, pull};

#[test]
fn a_sequence_belongs_to_its_column_when_both_are_in_blocks() {
    let table = TableName::new("public", "t");
    let mut catalog = Catalog::new();
    catalog.insert(Entry::new(Sequence {
        schema: "public".into(),
        name: "t_id_seq".into(),
        ty: None,
        options: SequenceOptions::default(),
        owned_by: Some((table.clone(), "id".into())),
    }));
    let counted = Column {
        default: Some(SqlExpr::new("nextval('public.t_id_seq'::regclass)")),
        ..Column::new("id", DataType::builtin("bigint"))
    };
    catalog.insert(Entry::new(Table {
        table,
        columns: vec![counted, Column::new("no name\nin a text", DataType::builtin("int"))],
        unlogged: false,
        partition_by: None,
        partition_of: None,
        inherits: Vec::new(),
        rls: Rls::Off,
        options: Vec::new(),
        replica_identity: None,
    }));
    let pulled = pull(&catalog, &Options::new("p", Target::Postgres));
    assert_eq!(pulled.problems, [""; 0]);
    let text: String = pulled.files.iter().map(|(_, text)| text.as_str()).collect();
    let block = "sql owner_of_sequence_public_t_id_seq\n  depends on sql sequence_public_t_id_seq, sql table_public_t";
    assert!(text.contains(block), "{text}");
    assert!(text.contains("alter sequence public.t_id_seq owned by public.t.id"), "{text}");
}
