use super::medellin_people::PEOPLE_ROWS;
use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Ana founded Acme and Ben recruits for it; Carla founded Globex; Diego applied at Acme and Fay at Globex.
const ROWS: &str = "
insert into public.companies (id, created_by, name, slug, industry) values ({acme}, {ana}, 'Acme', 'acme', 'fintech'), ({globex}, {carla}, 'Globex', 'globex', 'health');
insert into public.company_members (company_id, user_id) values ({acme}, {ben});
insert into public.job_postings (id, company_id, posted_by, title, description, remote, status) values
  ({engineer}, {acme}, {ben}, 'Engineer', 'x', true, 'open'), ({later}, {acme}, {ben}, 'Later', 'x', true, 'draft'), ({nurse}, {globex}, {carla}, 'Nurse', 'x', true, 'open');
insert into public.job_postings (id, company_id, posted_by, title, description, remote, status) values ({closed}, {acme}, {ben}, 'Closed', 'x', true, 'open');
insert into public.skills (id, name, category) values ({juggling}, 'Juggling', 'circus');
insert into public.job_skills (job_id, skill_id) values ({engineer}, {juggling}), ({later}, {juggling}), ({nurse}, {juggling});
insert into public.user_skills (user_id, skill_id) values ({diego}, {juggling}), ({fay}, {juggling});
insert into public.job_applications (id, job_id, user_id, cover_letter) values ({diegos}, {engineer}, {diego}, 'Diego'), ({fays}, {nurse}, {fay}, 'Fay'), ({olds}, {closed}, {diego}, 'Old');
update public.job_postings set status = 'closed' where id = {closed};
insert into public.saved_jobs (user_id, job_id) values ({diego}, {nurse});
refresh materialized view public.company_funnel;
";

const PEOPLE: [Who; 7] =
    [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("carla"), Who::User("diego"), Who::User("fay"), Who::User("root")];

#[test]
fn companies() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select name from public.companies", ["Acme Globex", "=", "=", "=", "=", "=", "="]),
            ("insert into public.companies (created_by, name, slug, industry) values ({diego}, 'New', 'new', 'x')", ["42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.companies (created_by, name, slug, industry) values (null, 'New', 'new', 'x')", ["42501", "=", "=", "=", "=", "=", "="]),
            ("insert into public.companies (created_by, name, slug, industry, verified) values ({diego}, 'New', 'new', 'x', true)", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update public.companies set description = 'x'", ["42501", "1", "0", "1", "0", "0", "2"]),
            ("update public.companies set verified = true", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update public.companies set created_by = {diego}", ["42501", "=", "=", "=", "=", "=", "="]),
            ("delete from public.companies where false", ["42501", "0", "0", "0", "0", "0", "0"]),
            ("delete from public.companies where name = 'Acme'", ["42501", "0", "0", "0", "0", "0", "23503"]),
            // a void is the empty word
            ("select public.set_company_verified({acme}, true)::text", ["42501", "42501", "42501", "42501", "42501", "42501", ""]),

            ("select role from public.company_members", ["42501", "owner recruiter", "owner recruiter", "owner", "-", "-", "owner owner recruiter"]),
            ("insert into public.company_members (company_id, user_id) values ({acme}, {diego})", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.company_members (company_id, user_id, role) values ({acme}, {diego}, 'owner')", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.company_members (company_id, user_id, role) values ({globex}, {ana}, 'owner')", ["42501", "42501", "42501", "1", "42501", "42501", "42501"]),
            ("update public.company_members set role = 'owner'", ["42501", "2", "0", "1", "0", "0", "0"]),
            ("update public.company_members set company_id = {globex}", ["42501", "=", "=", "=", "=", "=", "="]),
            ("insert into public.company_members (company_id, user_id, role) values ({acme}, {ben}, 'owner') on conflict (company_id, user_id) do update set role = 'owner'", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            // the last owner stays, whoever asks
            ("delete from public.company_members where user_id = {ana}", ["42501", "23514", "0", "0", "0", "0", "0"]),
            ("update public.company_members set role = 'recruiter' where user_id = {ana}", ["42501", "23514", "0", "0", "0", "0", "0"]),
            ("delete from public.company_members where role = 'recruiter'", ["42501", "1", "1", "0", "0", "0", "0"]),

            ("select applications from public.company_funnel", ["42501", "=", "=", "=", "=", "=", "="]),
            ("select applications from public.company_conversion({acme})", ["42501", "2", "2", "-", "-", "-", "2"]),
            ("select open_jobs from public.open_jobs_per_company", ["1 1", "1 1", "1 1", "1 1", "1 1", "1 1", "1 1"]),
        ]);
    });
}

#[test]
fn jobs_and_skills() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select title from public.job_postings", ["Engineer Nurse", "Closed Engineer Later Nurse", "Closed Engineer Later Nurse", "Engineer Nurse", "Closed Engineer Nurse", "Engineer Nurse", "Closed Engineer Later Nurse"]),
            ("insert into public.job_postings (company_id, posted_by, title, description, remote) values ({acme}, {ben}, 'New', 'x', true)", ["42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.job_postings (company_id, posted_by, title, description, remote) values ({globex}, {ben}, 'New', 'x', true)", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update public.job_postings set description = 'y'", ["42501", "3", "3", "1", "0", "0", "4"]),
            ("update public.job_postings set company_id = {globex} where title = 'Engineer'", ["42501", "23514", "23514", "0", "0", "0", "23514"]),
            ("delete from public.job_postings where id = {nothing}", ["42501", "0", "0", "0", "0", "0", "0"]),
            ("select title from public.search_jobs('later or closed or engineer or nurse')", ["Engineer Nurse", "=", "=", "=", "=", "=", "="]),
            ("select title from public.match_jobs()", ["42501", "-", "-", "-", "Engineer Nurse", "Engineer Nurse", "-"]),

            ("select count(*) from public.skills", ["10", "=", "=", "=", "=", "=", "="]),
            ("insert into public.skills (name, category) values ('New', 'x')", ["42501", "42501", "42501", "42501", "42501", "42501", "1"]),
            ("update public.skills set category = 'x' where name = 'juggling'", ["42501", "0", "0", "0", "0", "0", "1"]),
            ("delete from public.skills where name = 'Rust'", ["42501", "0", "0", "0", "0", "0", "1"]),

            ("select j.title from public.job_skills s left join public.job_postings j on j.id = s.job_id", ["Engineer Nurse", "Engineer Later Nurse", "Engineer Later Nurse", "Engineer Nurse", "=", "=", "Engineer Nurse"]),
            ("insert into public.job_skills (job_id, skill_id) select {engineer}, id from public.skills where name = 'Rust'", ["42501", "1", "1", "42501", "42501", "42501", "42501"]),
            ("update public.job_skills set required_level = 5", ["42501", "2", "2", "1", "0", "0", "0"]),
            ("update public.job_skills set job_id = {nurse} where job_id = {later}", ["42501", "23514", "23514", "0", "0", "0", "0"]),
            ("delete from public.job_skills", ["42501", "2", "2", "1", "0", "0", "0"]),

            ("select p.full_name from public.user_skills s join public.profiles p on p.id = s.user_id", ["42501", "-", "-", "-", "Diego", "Fay", "Diego Fay"]),
            ("select count(*) from public.user_skills", ["42501", "1", "1", "1", "1", "1", "2"]),
            ("insert into public.user_skills (user_id, skill_id) values ({ana}, {juggling})", ["42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("update public.user_skills set proficiency_level = 5", ["42501", "0", "0", "0", "1", "1", "0"]),
            ("delete from public.user_skills", ["42501", "0", "0", "0", "1", "1", "0"]),
        ]);
    });
}

#[test]
fn applications() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select cover_letter from public.job_applications", ["42501", "Diego Old", "Diego Old", "Fay", "Diego Old", "Fay", "Diego Fay Old"]),
            ("insert into public.job_applications (job_id, user_id) values ({nurse}, {diego})", ["42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.job_applications (job_id, user_id) values ({later}, {fay})", ["42501", "=", "=", "=", "=", "=", "="]),
            ("insert into public.job_applications (job_id, user_id) values ({closed}, {fay})", ["42501", "=", "=", "=", "=", "=", "="]),
            ("insert into public.job_applications (job_id, user_id, status) values ({engineer}, {fay}, 'applied')", ["42501", "=", "=", "=", "=", "=", "="]),
            // a path into somebody else's folder
            ("insert into public.job_applications (job_id, user_id, resume_path) values ({engineer}, {fay}, {diego} || '/cv.pdf')", ["42501", "42501", "42501", "42501", "42501", "23514", "42501"]),
            ("insert into public.job_applications (job_id, user_id, resume_path) values ({engineer}, {fay}, {fay} || '/../' || {diego} || '/cv.pdf')", ["42501", "42501", "42501", "42501", "42501", "23514", "42501"]),
            ("insert into public.job_applications (job_id, user_id, resume_path) values ({engineer}, {fay}, {fay} || '/cv.pdf')", ["42501", "42501", "42501", "42501", "42501", "1", "42501"]),
            ("update public.job_applications set status = 'screening'", ["42501", "2", "2", "1", "42501", "42501", "0"]),
            ("update public.job_applications set status = 'withdrawn' where cover_letter <> 'Old'", ["42501", "42501", "42501", "42501", "1", "1", "0"]),
            ("update public.job_applications set cover_letter = 'x'", ["42501", "=", "=", "=", "=", "=", "="]),
            ("delete from public.job_applications", ["42501", "=", "=", "=", "=", "=", "="]),

            ("select to_status from public.application_steps", ["42501", "applied applied", "applied applied", "applied", "applied applied", "applied", "-"]),
            ("insert into public.application_steps (application_id, to_status) values ({diegos}, 'hired')", ["42501", "=", "=", "=", "=", "=", "="]),
            ("update public.application_steps set to_status = 'hired'", ["42501", "=", "=", "=", "=", "=", "="]),
            ("delete from public.application_steps", ["42501", "=", "=", "=", "=", "=", "="]),

            ("select job_id = {nurse} from public.saved_jobs", ["42501", "-", "-", "-", "true", "-", "-"]),
            ("insert into public.saved_jobs (user_id, job_id) values ({fay}, {engineer})", ["42501", "42501", "42501", "42501", "42501", "1", "42501"]),
            ("update public.saved_jobs set saved_at = now()", ["42501", "=", "=", "=", "=", "=", "="]),
            ("delete from public.saved_jobs", ["42501", "0", "0", "0", "1", "0", "0"]),
        ]);
    });
}
