set lock_timeout = '3s';

create policy anybody on notes for select using (true);
create policy service on notes to service_role using (true) with check (true);
create policy narrow on notes as restrictive for update using (true);
create policy own on notes for update using (owner_id = (select auth.uid()));
