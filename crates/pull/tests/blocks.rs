//! What stands in blocks says all that the catalog says.

use specc_catalog::{
    Catalog, Column, DataType, Entry, Publication, PublicationTable, Rls, Sequence, SequenceOptions, SqlExpr, Table,
    TableName,
};
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
        options: Default::default(),
        replica_identity: None,
    }));
    let pulled = pull(&catalog, &Options::new("p", Target::Postgres));
    assert_eq!(pulled.problems, [""; 0]);
    let text: String = pulled.files.iter().map(|(_, text)| text.as_str()).collect();
    let block = "sql owner_of_sequence_public_t_id_seq\n  depends on sql sequence_public_t_id_seq, sql table_public_t";
    assert!(text.contains(block), "{text}");
    assert!(text.contains("alter sequence public.t_id_seq owned by public.t.id"), "{text}");
}

#[test]
fn a_table_may_be_in_several_publications() {
    let table = TableName::new("public", "t");
    let mut catalog = Catalog::new();
    for publication in ["one", "two"] {
        catalog.insert(Entry::new(Publication { name: publication.into() }));
        catalog.insert(Entry::new(PublicationTable {
            publication: publication.into(),
            table: table.clone(),
            columns: Vec::new(),
            filter: None,
        }));
    }
    catalog.insert(Entry::new(Table {
        table,
        columns: vec![Column::new("id", DataType::builtin("int"))],
        unlogged: false,
        partition_by: None,
        partition_of: None,
        inherits: Vec::new(),
        rls: Rls::Off,
        options: Default::default(),
        replica_identity: None,
    }));
    let pulled = pull(&catalog, &Options::new("p", Target::Postgres));
    assert_eq!(pulled.problems, [""; 0]);
    let text: String = pulled.files.iter().map(|(_, text)| text.as_str()).collect();
    for publication in ["one", "two"] {
        assert!(text.contains(&format!("alter publication {publication} add table public.t")), "{text}");
    }
}

#[test]
fn nothing_is_a_folder_that_builds_to_nothing() {
    let pulled = pull(&Catalog::new(), &Options::new("p", Target::Postgres));
    assert_eq!(pulled.problems, [""; 0]);
    let [(name, text)] = pulled.files.as_slice() else { panic!("{:?}", pulled.files) };
    assert!(name.ends_with(".dbspec"));
    let (tree, found) = specc_syntax::parse(specc_diag::FileId(0), text);
    assert!(found.is_empty() && tree.items.is_empty());
}
