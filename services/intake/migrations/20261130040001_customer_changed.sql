-- Who changed in the registry is heard by one process; the others look here every minute. It is a hint, not a fact: a process that
-- starts reads everything anew, and rows are deleted after a day.

create table customer_changed (
    customer_id uuid constraint customer_changed_pk primary key,
    at timestamptz not null
);
create index customer_changed_at on customer_changed (at);
