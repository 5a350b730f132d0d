use super::medellin_people::PEOPLE_ROWS;
use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Ana organizes an event, owns a company and a startup and wrote a deck. Ben recruits, works for the startup and edits the
/// deck; Carla reads the deck and looks on at the startup; Diego applied for a job with his resume; Fay has nothing to do with any of it.
const ROWS: &str = "
insert into public.events (id, organizer_id, title, status, capacity, online_url, starts_at) values
  ({launch}, {ana}, 'Launch', 'published', 1, 'https://example.com', now() + interval '1 day');
insert into public.companies (id, created_by, name, slug, industry) values ({shop}, {ana}, 'Shop', 'shop', 'retail');
insert into public.company_members (company_id, user_id) values ({shop}, {ben});
insert into public.job_postings (id, company_id, posted_by, title, description, remote, status) values ({clerk}, {shop}, {ben}, 'Clerk', 'x', true, 'open');
insert into public.job_applications (job_id, user_id, resume_path) values ({clerk}, {diego}, {diego} || '/cv.pdf');
insert into public.startups (id, name, industry) values ({acme}, 'Acme', 'fintech');
insert into public.startup_members (startup_id, user_id, role) values ({acme}, {ana}, 'owner'), ({acme}, {ben}, 'member'), ({acme}, {carla}, 'viewer');
insert into public.pitch_decks (id, user_id, title) values ({deck}, {ana}, 'Deck');
insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({deck}, {ben}, 'editor', {ana}), ({deck}, {carla}, 'reader', {ana});
insert into storage.objects (bucket_id, name) values ('avatars', {ana} || '/me.png'), ('avatars', {diego} || '/i.png'),
  ('event_photos', {launch} || '/cover.jpg'), ('company_logos', {shop} || '/logo.png'), ('pitch_decks', {deck} || '/deck.pdf'),
  ('resumes', {diego} || '/cv.pdf'), ('resumes', {diego} || '/letter.pdf'), ('startup_documents', {acme} || '/plan.pdf');
-- as the storage service does before it takes a file away
set storage.allow_delete_query = 'true';
";

const PEOPLE: [Who; 7] =
    [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("carla"), Who::User("diego"), Who::User("fay"), Who::User("root")];

/// The platform grants everything on the table of files to everybody, so what no policy allows reads, changes and deletes
/// nothing, and adds nothing.
#[test]
fn public_buckets_are_written_by_who_the_folder_belongs_to() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select storage.filename(name) from storage.objects where bucket_id = 'avatars'", ["-", "me.png", "-", "-", "i.png", "-", "-"]),
            ("insert into storage.objects (bucket_id, name) values ('avatars', {ana} || '/new.png')", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into storage.objects (bucket_id, name) values ('avatars', 'new.png')", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'avatars'", ["0", "1", "0", "0", "1", "0", "0"]),
            // a file stays in the folder and in the bucket
            ("update storage.objects set name = {ben} || '/me.png' where bucket_id = 'avatars'", ["0", "42501", "0", "0", "42501", "0", "0"]),
            ("update storage.objects set bucket_id = 'company_logos' where bucket_id = 'avatars'", ["0", "42501", "0", "0", "42501", "0", "0"]),
            ("delete from storage.objects where bucket_id = 'avatars'", ["0", "1", "0", "0", "1", "0", "0"]),

            ("select storage.filename(name) from storage.objects where bucket_id = 'event_photos'", ["-", "cover.jpg", "-", "-", "-", "-", "-"]),
            ("insert into storage.objects (bucket_id, name) values ('event_photos', {launch} || '/new.jpg')", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into storage.objects (bucket_id, name) values ('event_photos', {ana} || '/new.jpg')", ["42501", "=", "=", "=", "=", "=", "="]),
            // a folder that is no key, and none at all
            ("insert into storage.objects (bucket_id, name) values ('event_photos', 'launch/new.jpg'), ('event_photos', 'new.jpg')", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'event_photos'", ["0", "1", "0", "0", "0", "0", "0"]),
            ("delete from storage.objects where bucket_id = 'event_photos'", ["0", "1", "0", "0", "0", "0", "0"]),

            ("select storage.filename(name) from storage.objects where bucket_id = 'company_logos'", ["-", "logo.png", "-", "-", "-", "-", "-"]),
            ("insert into storage.objects (bucket_id, name) values ('company_logos', {shop} || '/new.png')", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'company_logos'", ["0", "1", "0", "0", "0", "0", "0"]),
            ("delete from storage.objects where bucket_id = 'company_logos'", ["0", "1", "0", "0", "0", "0", "0"]),
        ]);
    });
}

#[test]
fn private_buckets_are_read_by_who_may_read_what_the_file_belongs_to() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            // admins read every deck
            ("select storage.filename(name) from storage.objects where bucket_id = 'pitch_decks'", ["-", "deck.pdf", "deck.pdf", "deck.pdf", "-", "-", "deck.pdf"]),
            ("insert into storage.objects (bucket_id, name) values ('pitch_decks', {deck} || '/new.pdf')", ["42501", "1", "1", "42501", "42501", "42501", "42501"]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'pitch_decks'", ["0", "=", "=", "=", "=", "=", "="]),
            ("delete from storage.objects where bucket_id = 'pitch_decks'", ["0", "1", "1", "0", "0", "0", "0"]),

            // recruiters read what came with an application and nothing else of the applicant
            ("select storage.filename(name) from storage.objects where bucket_id = 'resumes'", ["-", "cv.pdf", "cv.pdf", "-", "cv.pdf letter.pdf", "-", "-"]),
            ("insert into storage.objects (bucket_id, name) values ('resumes', {diego} || '/new.pdf')", ["42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'resumes'", ["0", "=", "=", "=", "=", "=", "="]),
            // what is private cannot be moved to where everybody reads
            ("update storage.objects set bucket_id = 'avatars' where bucket_id = 'resumes'", ["0", "=", "=", "=", "=", "=", "="]),
            ("delete from storage.objects where bucket_id = 'resumes'", ["0", "0", "0", "0", "2", "0", "0"]),

            // put in by who works for the startup, read by nobody: open_startup_document() writes the access down
            ("select storage.filename(name) from storage.objects where bucket_id = 'startup_documents'", ["-", "=", "=", "=", "=", "=", "="]),
            ("insert into storage.objects (bucket_id, name) values ('startup_documents', {acme} || '/new.pdf')", ["42501", "1", "1", "42501", "42501", "42501", "42501"]),
            ("update storage.objects set metadata = '[]' where bucket_id = 'startup_documents'", ["0", "=", "=", "=", "=", "=", "="]),
            ("delete from storage.objects where bucket_id = 'startup_documents'", ["0", "=", "=", "=", "=", "=", "="]),
        ]);
        // the service reads all, and a bucket nobody has is nobody's
        matrix(owner, [Who::Service, Who::User("ana")], &[
            ("select count(*) from storage.objects", ["8", "5"]),
            ("insert into storage.objects (bucket_id, name) values (null, {ana} || '/me.png')", ["1", "42501"]),
            ("insert into storage.buckets (id, name, public) values ('mine', 'mine', true)", ["1", "42501"]),
            ("update storage.buckets set public = true", ["6", "0"]),
        ]);
    });
}
