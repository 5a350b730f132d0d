use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

const ROWS: &str = "
insert into auth.users (id, email) values ({ana}, 'ana@example.com'), ({ben}, 'ben@example.com'), ({eve}, 'eve@example.com');
insert into public.profiles (id, display_name) values ({ana}, 'Ana'), ({ben}, 'Ben');
insert into public.projects (id, owner_id, name, is_public) values ({garden}, {ana}, 'Garden', true), ({taxes}, {ana}, 'Taxes', false), ({novel}, {ben}, 'Novel', false);
insert into public.notes (id, project_id, title) values ({tomatoes}, {garden}, 'Tomatoes'), ({receipts}, {taxes}, 'Receipts'), ({chapter}, {novel}, 'Chapter');
";

/// Eve has an account and no profile.
const PEOPLE: [Who; 4] = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("eve")];

#[test]
fn starter() {
    with_rows("starter", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select display_name from public.profiles", ["42501", "Ana Ben", "=", "="]),
            ("insert into public.profiles (id, display_name) values ({eve}, 'Eve')", ["42501", "=", "=", "1"]),
            ("update public.profiles set display_name = 'Me'", ["42501", "1", "1", "0"]),
            ("update public.profiles set display_name = 'Me' where id = {ana}", ["42501", "1", "0", "0"]),
            ("update public.profiles set id = {eve} where id = {ana}", ["42501", "23514", "0", "0"]),
            ("insert into public.profiles (id, display_name) values ({ana}, 'Me') on conflict (id) do update set display_name = 'Me'", ["42501", "1", "42501", "42501"]),
            ("delete from public.profiles", ["42501", "=", "=", "="]),

            ("select slug from public.topics", ["home work writing", "=", "=", "="]),
            ("insert into public.topics (slug, name) values ('new', 'New')", ["42501", "=", "=", "="]),
            ("update public.topics set name = 'New'", ["42501", "=", "=", "="]),
            ("delete from public.topics", ["42501", "=", "=", "="]),

            ("select name from public.projects", ["Garden", "Garden Taxes", "Garden Novel", "Garden"]),
            ("insert into public.projects (owner_id, name) values ({ana}, 'New')", ["42501", "1", "42501", "42501"]),
            ("insert into public.projects (owner_id, name) values ({eve}, 'New')", ["42501", "42501", "42501", "23503"]),
            ("insert into public.projects (owner_id, name, note_count) values ({ana}, 'New', 7)", ["42501", "=", "=", "="]),
            ("update public.projects set name = name || '!'", ["42501", "2", "1", "0"]),
            ("update public.projects set is_public = true where name = 'Taxes'", ["42501", "1", "0", "0"]),
            ("update public.projects set owner_id = {ben}", ["42501", "=", "=", "="]),
            ("update public.projects set note_count = 9", ["42501", "=", "=", "="]),
            ("delete from public.projects", ["42501", "2", "1", "0"]),
            ("delete from public.projects where is_public", ["42501", "1", "0", "0"]),

            ("select title from public.notes", ["Tomatoes", "Receipts Tomatoes", "Chapter Tomatoes", "Tomatoes"]),
            ("insert into public.notes (project_id, title) values ({garden}, 'New')", ["42501", "1", "42501", "42501"]),
            ("insert into public.notes (project_id, title) values ({taxes}, 'New')", ["42501", "1", "42501", "42501"]),
            ("insert into public.notes (project_id, title) values ({nothing}, 'New')", ["42501", "=", "=", "="]),
            ("insert into public.notes (id, project_id, title) values ({receipts}, {novel}, 'New') on conflict (id) do update set title = 'Stolen'", ["42501", "=", "=", "="]),
            ("update public.notes set pinned = true", ["42501", "2", "1", "0"]),
            ("update public.notes set project_id = {garden} where title <> 'Tomatoes'", ["42501", "23514", "23514", "0"]),
            ("delete from public.notes", ["42501", "2", "1", "0"]),
        ]);
        matrix(owner, [Who::Service], &[
            ("select title from public.notes", ["Chapter Receipts Tomatoes"]),
            ("update public.profiles set bio = ''", ["2"]),
            ("insert into public.topics (slug, name) values ('new', 'New')", ["1"]),
            ("delete from public.projects", ["3"]),
            ("truncate public.notes", ["42501"]),
        ]);
    });
}
