-- Which photos prove what of a case, kept when the case has moved on; their bytes are with the edges. Append only.
-- An empty hash is a photo of a cut that the phone owes: the desk was told by voice.
create table photo (
    case_id uuid not null constraint photo_case_fk references debt_case (id),
    what text not null constraint photo_what check (what in ('served', 'before_cut', 'after_cut')),
    sha256 text not null constraint photo_sha256 check (sha256 ~ '^([0-9a-f]{64})?$'),
    at timestamptz not null,
    actor text not null,
    constraint photo_pk primary key (case_id, what, sha256)
);
-- A photo proves one case.
create index photo_by_sha256 on photo (sha256);
-- A cut may be reported before its photos arrive: those are looked for.
create index photo_of_cuts on photo (at desc) where what <> 'served';

insert into photo (case_id, what, sha256, at, actor)
select n.case_id, 'served', s.doc #>> '{proof,photo_sha256}', s.at, s.doc #>> '{proof,server}'
from notice_service s join notice n on n.number = s.number
where s.doc #>> '{proof,photo_sha256}' is not null
on conflict do nothing;

insert into photo (case_id, what, sha256, at, actor)
select c.id, p.what, c.doc #>> array['state', 'cut', p.field], (c.doc #>> '{state,cut,at}')::timestamptz,
    c.doc #>> '{state,cut,by}'
from debt_case c
cross join (values ('before_cut', 'photo_before_sha256'), ('after_cut', 'photo_after_sha256')) as p (what, field)
where c.doc #>> array['state', 'cut', p.field] is not null
on conflict do nothing;
