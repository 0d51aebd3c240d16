"""Which catalogs tell of which objects, and which objects the open transaction has changed, read from them alone.

A row that is visible and not older than the transaction's own id was written by it, for what others commit meanwhile
would be written by no transaction of ours. The server's counters tell first which catalogs changed at all, so that a
change of rows pays for one look at counters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pgrehearse.pg.session import Session

Objects = dict[str, set[int]]
"""Oids of objects by the catalog that lists them."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog `c`: the one that lists the object of a row, and the column that holds that object's oid."""

    name: str
    lists: str
    column: str = "c.oid"
    condition: str = "true"
    join: str = ""


CATALOGS = (
    Catalog("pg_class", "pg_class", condition="relkind NOT IN ('t', 'i', 'I')"),
    Catalog("pg_class", "pg_class", "x.indrelid", join="JOIN pg_index AS x ON x.indexrelid = c.oid"),
    Catalog("pg_attribute", "pg_class", "attrelid"),
    Catalog("pg_attrdef", "pg_class", "adrelid"),
    Catalog("pg_constraint", "pg_class", "conrelid", "conrelid <> 0"),
    Catalog("pg_constraint", "pg_type", "contypid", "contypid <> 0"),
    Catalog("pg_index", "pg_class", "indrelid"),
    Catalog("pg_trigger", "pg_class", "tgrelid"),
    Catalog("pg_rewrite", "pg_class", "ev_class"),
    Catalog("pg_policy", "pg_class", "polrelid"),
    Catalog("pg_sequence", "pg_class", "seqrelid"),
    Catalog("pg_inherits", "pg_class", "inhrelid"),
    Catalog("pg_description", "pg_class", "objoid", "classoid = 'pg_class'::regclass"),
    Catalog("pg_description", "pg_proc", "objoid", "classoid = 'pg_proc'::regclass"),
    Catalog("pg_description", "pg_type", "objoid", "classoid = 'pg_type'::regclass"),
    Catalog("pg_description", "pg_namespace", "objoid", "classoid = 'pg_namespace'::regclass"),
    *(
        Catalog("pg_description", listed, "objoid", f"classoid = '{listed}'::regclass")
        for listed in ("pg_event_trigger", "pg_statistic_ext", "pg_publication")
    ),
    *(
        Catalog(
            "pg_description", "pg_class", column, f"classoid = '{of}'::regclass", f"JOIN {part} = c.objoid"
        )
        for of, part, column in (
            ("pg_class", "pg_index AS x ON x.indexrelid", "x.indrelid"),
            ("pg_constraint", "pg_constraint AS x ON x.oid", "x.conrelid"),
            ("pg_trigger", "pg_trigger AS x ON x.oid", "x.tgrelid"),
            ("pg_policy", "pg_policy AS x ON x.oid", "x.polrelid"),
            ("pg_rewrite", "pg_rewrite AS x ON x.oid", "x.ev_class"),
        )
    ),
    Catalog("pg_foreign_table", "pg_class", "ftrelid"),
    Catalog("pg_proc", "pg_proc", condition="pronamespace <> pg_my_temp_schema()"),
    Catalog(
        "pg_type",
        "pg_type",
        condition="typtype IN ('d', 'e', 'r', 'b') AND typelem = 0 AND typnamespace <> pg_my_temp_schema()",
    ),
    Catalog("pg_enum", "pg_type", "enumtypid"),
    Catalog("pg_namespace", "pg_namespace", condition="nspname !~ '^pg_'"),
    Catalog("pg_extension", "pg_extension"),
    Catalog("pg_event_trigger", "pg_event_trigger"),
    Catalog("pg_statistic_ext", "pg_statistic_ext"),
    Catalog("pg_default_acl", "pg_default_acl"),
    Catalog("pg_publication", "pg_publication"),
    Catalog("pg_publication_rel", "pg_publication", "prpubid"),
)

LISTING = tuple(dict.fromkeys(catalog.lists for catalog in CATALOGS))
"""The catalogs that list objects of their own."""

UNDESCRIBED = frozenset(
    [
        "pg_aggregate",
        "pg_am",
        "pg_amop",
        "pg_amproc",
        "pg_authid",
        "pg_auth_members",
        "pg_cast",
        "pg_collation",
        "pg_conversion",
        "pg_database",
        "pg_db_role_setting",
        "pg_foreign_data_wrapper",
        "pg_foreign_server",
        "pg_language",
        "pg_largeobject",
        "pg_largeobject_metadata",
        "pg_opclass",
        "pg_operator",
        "pg_opfamily",
        "pg_parameter_acl",
        "pg_publication_namespace",
        "pg_seclabel",
        "pg_shdescription",
        "pg_subscription",
        "pg_tablespace",
        "pg_transform",
        "pg_ts_config",
        "pg_ts_config_map",
        "pg_ts_dict",
        "pg_ts_parser",
        "pg_ts_template",
        "pg_user_mapping",
    ]
)
"""Catalogs of rarer objects: a change of one is told by the catalog's name alone."""

NAMES = tuple(sorted({catalog.name for catalog in CATALOGS} | UNDESCRIBED | {"pg_depend"}))
"""All catalogs that tell of objects; of what depends on what, the locks tell which."""

_TEMPORARY = "SELECT oid::bigint FROM pg_class WHERE oid = ANY(%s::oid[]) AND relpersistence = 't'"


def no_objects() -> Objects:
    """An empty set of oids for each catalog."""
    return {name: set() for name in LISTING}


def written_objects(session: Session, catalogs: frozenset[str]) -> Objects:
    """The objects of which the open transaction of `session` has written a row in one of `catalogs`."""
    queries = [
        f"SELECT '{c.lists}', {c.column}::bigint FROM {c.name} AS c {c.join}"
        f" WHERE age(c.xmin) <= 0 AND {c.condition}"
        for c in CATALOGS
        if c.name in catalogs
    ]
    objects = no_objects()
    for listing, oid in session.fetch(" UNION ".join(queries)) if queries else ():
        objects[listing].add(oid)
    return objects


def temporary(session: Session, relations: set[int]) -> set[int]:
    """Those of `relations` that are temporary: they are no part of the schema that is told."""
    rows = session.fetch(_TEMPORARY, (sorted(relations),)) if relations else []
    return {oid for (oid,) in rows}


def merged(*many: Mapping[str, set[int]]) -> Objects:
    """The objects that are in any of `many`."""
    objects: Objects = defaultdict(set, no_objects())
    for one in many:
        for listing, oids in one.items():
            objects[listing] |= oids
    return dict(objects)
