-- Proof that a notice reached the customer, kept when the case has moved on: paid, expired, closed. Append only.
create table notice_service (
    number text not null constraint notice_service_notice_fk references notice (number),
    -- Version of the case at which it was so.
    version bigint not null,
    at timestamptz not null,
    actor text not null,
    doc jsonb not null,
    constraint notice_service_pk primary key (number, version)
);
insert into notice_service (number, version, at, actor, doc)
select c.doc #>> '{state,served,notice,number}', c.version,
    (c.doc #>> '{state,served,proof,served_at}')::timestamptz, 'migration', c.doc #> '{state,served}'
from debt_case c
where c.doc #>> '{state,served,notice,number}' is not null;
