-- What makes a private server safe for SQL that nobody read: once in a cluster, as the superuser, after the platform's roles.

-- Postgres 15 lets whoever has createrole hand out any role that is no superuser, these too, and so run programs and reach
-- files. A superuser's role is given away by superusers alone; none of these can log in, and nobody is a member.
update pg_catalog.pg_authid set rolsuper = true
where rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');

-- A slot's plugin is the path of any library, which the server then loads.
alter role postgres noreplication;
alter role dashboard_user noreplication;

-- Who makes rows and reads them whatever policies and triggers say: as good as the owner, and no superuser.
create role specc_filler login bypassrls in role postgres, pg_read_all_data, pg_write_all_data;
grant set on parameter session_replication_role to specc_filler;

-- The platform lets its owner say so, too: a migration that fills a column fires no triggers there.
grant set on parameter session_replication_role to postgres;
