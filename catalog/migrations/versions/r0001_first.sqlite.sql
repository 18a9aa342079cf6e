CREATE TABLE catalogue_identity (
    id INTEGER DEFAULT 1 NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_catalogue_identity PRIMARY KEY (id),
    CONSTRAINT ck_catalogue_identity_one_row CHECK (id = 1)
)
-- next
CREATE TABLE configuration (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL,
    source_text VARCHAR NOT NULL,
    in_force_at DATETIME NOT NULL,
    CONSTRAINT uq_configuration_digest UNIQUE (digest)
)
-- next
CREATE TABLE experimenter_group (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(255) NOT NULL,
    description VARCHAR,
    permissions VARCHAR(16) NOT NULL,
    source VARCHAR(8) NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT ck_experimenter_group_permissions CHECK (permissions IN ('private', 'read-only', 'read-annotate', 'read-write')),
    CONSTRAINT ck_experimenter_group_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT uq_experimenter_group_name UNIQUE (name)
)
-- next
CREATE TABLE instance (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    host VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    started_at DATETIME NOT NULL,
    ended_at DATETIME
)
-- next
CREATE TABLE reason (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sentence VARCHAR NOT NULL,
    sentence_hash BLOB NOT NULL,
    CONSTRAINT uq_reason_sentence_hash UNIQUE (sentence_hash)
)
-- next
CREATE TABLE root (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(255) NOT NULL,
    path BLOB NOT NULL,
    role VARCHAR(16) NOT NULL,
    identity JSON,
    availability VARCHAR(16) NOT NULL,
    reason VARCHAR,
    last_pass_started_at DATETIME,
    last_pass_ended_at DATETIME,
    overflow_count INTEGER NOT NULL,
    CONSTRAINT ck_root_availability CHECK (availability IN ('available', 'unavailable', 'braked', 'retired')),
    CONSTRAINT ck_root_role CHECK (role IN ('acquisition', 'storage')),
    CONSTRAINT uq_root_name UNIQUE (name)
)
-- next
CREATE TABLE verification (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    via VARCHAR(16) NOT NULL,
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    checked INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    damaged INTEGER NOT NULL,
    missing INTEGER NOT NULL
)
-- next
CREATE TABLE directory (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    root_id INTEGER NOT NULL,
    path BLOB NOT NULL,
    path_hash BLOB NOT NULL,
    last_pass_at DATETIME,
    is_listed_whole BOOLEAN DEFAULT 0 NOT NULL,
    problem VARCHAR,
    CONSTRAINT uq_directory_root_id_path_hash UNIQUE (root_id, path_hash),
    CONSTRAINT fk_directory_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE TABLE experimenter (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(255) NOT NULL,
    full_name VARCHAR,
    email VARCHAR,
    is_administrator BOOLEAN NOT NULL,
    administrator_source VARCHAR(8),
    has_login BOOLEAN NOT NULL,
    default_group_id INTEGER,
    source VARCHAR(8) NOT NULL,
    created_at DATETIME NOT NULL,
    closed_at DATETIME,
    CONSTRAINT ck_experimenter_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT uq_experimenter_name UNIQUE (name),
    CONSTRAINT fk_experimenter_default_group_id FOREIGN KEY(default_group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE TABLE group_alias (
    alias VARCHAR(255) NOT NULL,
    group_id INTEGER NOT NULL,
    source VARCHAR(8) NOT NULL,
    CONSTRAINT pk_group_alias PRIMARY KEY (alias),
    CONSTRAINT fk_group_alias_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id) ON DELETE CASCADE
)
-- next
CREATE TABLE annotation (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind VARCHAR(8) NOT NULL,
    namespace VARCHAR,
    value VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    made_by VARCHAR(8) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT ck_annotation_kind CHECK (kind IN ('tag', 'map', 'comment', 'file')),
    CONSTRAINT ck_annotation_has_value CHECK (kind = 'map' OR value IS NOT NULL),
    CONSTRAINT ck_annotation_made_by CHECK (made_by IN ('hand', 'rule')),
    CONSTRAINT uq_annotation_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_annotation_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_annotation_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE INDEX ix_annotation_value ON annotation (group_id, kind, substr(value, 1, 200))
-- next
CREATE TABLE assignment (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    root_id INTEGER NOT NULL,
    path BLOB NOT NULL,
    path_hash BLOB NOT NULL,
    targets JSON NOT NULL,
    made_by_id INTEGER,
    made_at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT fk_assignment_root_id FOREIGN KEY(root_id) REFERENCES root (id),
    CONSTRAINT fk_assignment_made_by_id FOREIGN KEY(made_by_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_assignment_path ON assignment (root_id, path_hash)
-- next
CREATE TABLE dataset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    origin_key BLOB,
    CONSTRAINT uq_dataset_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_dataset_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_dataset_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_dataset_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_dataset_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_dataset_page ON dataset (group_id, id)
-- next
CREATE TABLE event (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at DATETIME NOT NULL,
    actor_id INTEGER,
    acting_as_id INTEGER,
    account VARCHAR(255),
    via VARCHAR(16) NOT NULL,
    what VARCHAR(32) NOT NULL,
    object_type VARCHAR(20),
    object_id INTEGER,
    fileset_id INTEGER,
    root_id INTEGER,
    path_hash BLOB,
    "before" JSON,
    "after" JSON,
    configuration_id INTEGER,
    CONSTRAINT fk_event_actor_id FOREIGN KEY(actor_id) REFERENCES experimenter (id),
    CONSTRAINT fk_event_acting_as_id FOREIGN KEY(acting_as_id) REFERENCES experimenter (id),
    CONSTRAINT fk_event_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id)
)
-- next
CREATE INDEX ix_event_fileset_id ON event (fileset_id, id)
-- next
CREATE INDEX ix_event_object ON event (object_type, object_id, id)
-- next
CREATE INDEX ix_event_path ON event (root_id, path_hash, id)
-- next
CREATE TABLE experimenter_alias (
    alias VARCHAR(255) NOT NULL,
    experimenter_id INTEGER NOT NULL,
    source VARCHAR(8) NOT NULL,
    CONSTRAINT pk_experimenter_alias PRIMARY KEY (alias),
    CONSTRAINT fk_experimenter_alias_experimenter_id FOREIGN KEY(experimenter_id) REFERENCES experimenter (id) ON DELETE CASCADE
)
-- next
CREATE TABLE fileset (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    root_id INTEGER NOT NULL,
    grouping VARCHAR(8) DEFAULT 'file' NOT NULL,
    is_unread_index BOOLEAN DEFAULT 0 NOT NULL,
    "key" BLOB NOT NULL,
    placement JSON NOT NULL,
    owner_id INTEGER,
    group_id INTEGER,
    seen_digest BLOB NOT NULL,
    done_digest BLOB,
    due_at DATETIME,
    first_seen_at DATETIME NOT NULL,
    stalled_reason VARCHAR,
    waits_for VARCHAR,
    marker VARCHAR,
    neighbour BLOB,
    plate_key BLOB,
    generation INTEGER NOT NULL,
    filed_by VARCHAR(8) NOT NULL,
    removed_at DATETIME,
    removed_by_id INTEGER,
    is_partial BOOLEAN DEFAULT 0 NOT NULL,
    owner_differs JSON,
    CONSTRAINT uq_fileset_root_id_key UNIQUE (root_id, "key"),
    CONSTRAINT ck_fileset_filed_by CHECK (filed_by IN ('rule', 'hand')),
    CONSTRAINT ck_fileset_grouping CHECK (grouping IN ('file', 'names', 'index')),
    CONSTRAINT fk_fileset_root_id FOREIGN KEY(root_id) REFERENCES root (id),
    CONSTRAINT fk_fileset_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_fileset_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_fileset_removed_by_id FOREIGN KEY(removed_by_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_fileset_due ON fileset (due_at) WHERE due_at IS NOT NULL
-- next
CREATE INDEX ix_fileset_marker ON fileset (root_id, marker) WHERE marker IS NOT NULL
-- next
CREATE INDEX ix_fileset_neighbour ON fileset (neighbour) WHERE neighbour IS NOT NULL
-- next
CREATE INDEX ix_fileset_plate_key ON fileset (plate_key) WHERE plate_key IS NOT NULL
-- next
CREATE INDEX ix_fileset_unread_index ON fileset (root_id, is_unread_index) WHERE is_unread_index
-- next
CREATE INDEX ix_fileset_waits_for ON fileset (due_at) WHERE waits_for IS NOT NULL
-- next
CREATE TABLE membership (
    experimenter_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    source VARCHAR(8) NOT NULL,
    is_owner BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    until_at DATETIME,
    CONSTRAINT pk_membership PRIMARY KEY (experimenter_id, group_id, source),
    CONSTRAINT ck_membership_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT fk_membership_experimenter_id FOREIGN KEY(experimenter_id) REFERENCES experimenter (id),
    CONSTRAINT fk_membership_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE INDEX ix_membership_group_id ON membership (group_id)
-- next
CREATE TABLE plate (
    rows INTEGER,
    columns INTEGER,
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    origin_key BLOB,
    CONSTRAINT uq_plate_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_plate_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_plate_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_plate_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_plate_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_plate_page ON plate (group_id, id)
-- next
CREATE TABLE project (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    origin_key BLOB,
    CONSTRAINT uq_project_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_project_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_project_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_project_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_project_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_project_page ON project (group_id, id)
-- next
CREATE TABLE request (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind VARCHAR(16) NOT NULL,
    arguments JSON NOT NULL,
    actor_id INTEGER,
    asked_at DATETIME NOT NULL,
    state VARCHAR(8) NOT NULL,
    answer JSON,
    answered_at DATETIME,
    CONSTRAINT ck_request_state CHECK (state IN ('asked', 'taken', 'done', 'failed')),
    CONSTRAINT fk_request_actor_id FOREIGN KEY(actor_id) REFERENCES experimenter (id)
)
-- next
CREATE TABLE screen (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    origin_key BLOB,
    CONSTRAINT uq_screen_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_screen_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_screen_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_screen_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_screen_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_screen_page ON screen (group_id, id)
-- next
CREATE TABLE image (
    fileset_id INTEGER NOT NULL,
    series INTEGER NOT NULL,
    acquired_at DATETIME,
    size_x INTEGER NOT NULL,
    size_y INTEGER NOT NULL,
    size_z INTEGER NOT NULL,
    size_c INTEGER NOT NULL,
    size_t INTEGER NOT NULL,
    pixels_type VARCHAR(16) NOT NULL,
    significant_bits INTEGER,
    is_rgb BOOLEAN DEFAULT 0 NOT NULL,
    physical_size_x_um DOUBLE,
    physical_size_y_um DOUBLE,
    physical_size_z_um DOUBLE,
    time_increment_s DOUBLE,
    acquisition JSON,
    format VARCHAR(64) NOT NULL,
    rule VARCHAR,
    is_partial BOOLEAN DEFAULT 0 NOT NULL,
    pixels_replaced_at DATETIME,
    named_by VARCHAR(8) NOT NULL,
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    CONSTRAINT uq_image_id_group_id UNIQUE (id, group_id),
    CONSTRAINT uq_image_fileset_id_series UNIQUE (fileset_id, series),
    CONSTRAINT ck_image_pixels_type CHECK (pixels_type IN ('uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float', 'double', 'complex', 'double-complex', 'bit')),
    CONSTRAINT ck_image_sizes CHECK (size_x > 0 AND size_y > 0 AND size_z > 0 AND size_c > 0 AND size_t > 0),
    CONSTRAINT ck_image_named_by CHECK (named_by IN ('rule', 'hand')),
    CONSTRAINT fk_image_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_image_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_image_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_image_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id)
)
-- next
CREATE INDEX ix_image_newest ON image (created_at, id)
-- next
CREATE INDEX ix_image_own_page ON image (owner_id, group_id, created_at, id)
-- next
CREATE INDEX ix_image_page ON image (group_id, created_at, id)
-- next
CREATE TABLE job (
    fileset_id INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    digest BLOB NOT NULL,
    priority INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    attempts INTEGER NOT NULL,
    deaths INTEGER DEFAULT 0 NOT NULL,
    next_try_at DATETIME,
    claim INTEGER NOT NULL,
    instance_id INTEGER,
    reason VARCHAR,
    CONSTRAINT pk_job PRIMARY KEY (fileset_id, kind),
    CONSTRAINT ck_job_kind CHECK (kind IN ('import', 'hash', 'verify', 'render')),
    CONSTRAINT ck_job_state CHECK (state IN ('ready', 'started', 'waiting', 'quarantined')),
    CONSTRAINT fk_job_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_job_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id)
)
-- next
CREATE INDEX ix_job_order ON job (state, priority, fileset_id)
-- next
CREATE TABLE map_pair (
    annotation_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    "key" VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    CONSTRAINT pk_map_pair PRIMARY KEY (annotation_id, ordinal),
    CONSTRAINT fk_map_pair_annotation_id FOREIGN KEY(annotation_id) REFERENCES annotation (id) ON DELETE CASCADE
)
-- next
CREATE INDEX ix_map_pair_key ON map_pair (substr(key, 1, 200), substr(value, 1, 200))
-- next
CREATE TABLE named_file (
    fileset_id INTEGER NOT NULL,
    path_hash BLOB NOT NULL,
    root_id INTEGER NOT NULL,
    path BLOB NOT NULL,
    is_needed BOOLEAN DEFAULT 1 NOT NULL,
    CONSTRAINT pk_named_file PRIMARY KEY (fileset_id, path_hash),
    CONSTRAINT fk_named_file_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id) ON DELETE CASCADE,
    CONSTRAINT fk_named_file_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE INDEX ix_named_file_path ON named_file (root_id, path_hash)
-- next
CREATE TABLE original_file (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    fileset_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    hash VARCHAR(128),
    hasher VARCHAR(16),
    fingerprint BLOB NOT NULL,
    created_at DATETIME NOT NULL,
    read_as BLOB,
    holds JSON,
    CONSTRAINT uq_original_file_fileset_id_ordinal UNIQUE (fileset_id, ordinal),
    CONSTRAINT fk_original_file_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id)
)
-- next
CREATE INDEX ix_original_file_fingerprint ON original_file (size_bytes, fingerprint)
-- next
CREATE TABLE plate_acquisition (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    plate_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT uq_plate_acquisition_plate_id_name UNIQUE (plate_id, name),
    CONSTRAINT uq_plate_acquisition_id_plate_id UNIQUE (id, plate_id),
    CONSTRAINT fk_plate_acquisition_plate_id FOREIGN KEY(plate_id) REFERENCES plate (id) ON DELETE CASCADE
)
-- next
CREATE TABLE project_dataset_link (
    project_id INTEGER NOT NULL,
    dataset_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_project_dataset_link PRIMARY KEY (project_id, dataset_id),
    CONSTRAINT fk_project_dataset_link_project_id_group_id FOREIGN KEY(project_id, group_id) REFERENCES project (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_project_dataset_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_project_dataset_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_project_dataset_link_dataset_id ON project_dataset_link (dataset_id)
-- next
CREATE TABLE screen_plate_link (
    screen_id INTEGER NOT NULL,
    plate_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_screen_plate_link PRIMARY KEY (screen_id, plate_id),
    CONSTRAINT fk_screen_plate_link_screen_id_group_id FOREIGN KEY(screen_id, group_id) REFERENCES screen (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_screen_plate_link_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_screen_plate_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_screen_plate_link_plate_id ON screen_plate_link (plate_id)
-- next
CREATE TABLE well (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    plate_id INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    "column" INTEGER NOT NULL,
    CONSTRAINT uq_well_plate_id_row_column UNIQUE (plate_id, "row", "column"),
    CONSTRAINT uq_well_id_plate_id UNIQUE (id, plate_id),
    CONSTRAINT ck_well_zero_based CHECK ("row" >= 0 AND "column" >= 0),
    CONSTRAINT fk_well_plate_id FOREIGN KEY(plate_id) REFERENCES plate (id) ON DELETE CASCADE
)
-- next
CREATE TABLE annotation_link (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    annotation_id INTEGER NOT NULL,
    project_id INTEGER,
    dataset_id INTEGER,
    image_id INTEGER,
    screen_id INTEGER,
    plate_id INTEGER,
    well_id INTEGER,
    well_plate_id INTEGER,
    group_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT fk_annotation_link_project_id_group_id FOREIGN KEY(project_id, group_id) REFERENCES project (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_screen_id_group_id FOREIGN KEY(screen_id, group_id) REFERENCES screen (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ck_annotation_link_one_object CHECK ((project_id IS NOT NULL) + (dataset_id IS NOT NULL) + (image_id IS NOT NULL) + (screen_id IS NOT NULL) + (plate_id IS NOT NULL) + (well_id IS NOT NULL) = 1),
    CONSTRAINT ck_annotation_link_well_and_plate CHECK ((well_id IS NULL) = (well_plate_id IS NULL)),
    CONSTRAINT fk_annotation_link_annotation_id_group_id FOREIGN KEY(annotation_id, group_id) REFERENCES annotation (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_well_id_well_plate_id FOREIGN KEY(well_id, well_plate_id) REFERENCES well (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_annotation_link_well_plate_id_group_id FOREIGN KEY(well_plate_id, group_id) REFERENCES plate (id, group_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_annotation_link_annotation_id ON annotation_link (annotation_id)
-- next
CREATE INDEX ix_annotation_link_well_plate_id ON annotation_link (well_plate_id)
-- next
CREATE UNIQUE INDEX uq_annotation_link_dataset ON annotation_link (dataset_id, annotation_id, owner_id) WHERE dataset_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_image ON annotation_link (image_id, annotation_id, owner_id) WHERE image_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_plate ON annotation_link (plate_id, annotation_id, owner_id) WHERE plate_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_project ON annotation_link (project_id, annotation_id, owner_id) WHERE project_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_screen ON annotation_link (screen_id, annotation_id, owner_id) WHERE screen_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_well ON annotation_link (well_id, annotation_id, owner_id) WHERE well_id IS NOT NULL
-- next
CREATE TABLE associated_image (
    image_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    media_type VARCHAR(32),
    width_px INTEGER,
    height_px INTEGER,
    data BLOB,
    failure VARCHAR,
    CONSTRAINT pk_associated_image PRIMARY KEY (image_id, ordinal),
    CONSTRAINT fk_associated_image_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
 WITHOUT ROWID
-- next
CREATE TABLE channel (
    image_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    name VARCHAR,
    color VARCHAR(7),
    emission_wavelength_nm DOUBLE,
    excitation_wavelength_nm DOUBLE,
    exposure_time_s DOUBLE,
    window_start DOUBLE,
    window_end DOUBLE,
    CONSTRAINT pk_channel PRIMARY KEY (image_id, ordinal),
    CONSTRAINT fk_channel_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
-- next
CREATE TABLE dataset_image_link (
    dataset_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_dataset_image_link PRIMARY KEY (dataset_id, image_id),
    CONSTRAINT fk_dataset_image_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_dataset_image_link_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_dataset_image_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_dataset_image_link_count ON dataset_image_link (group_id, dataset_id, owner_id)
-- next
CREATE INDEX ix_dataset_image_link_image_id ON dataset_image_link (image_id)
-- next
CREATE TABLE plane_location (
    image_id INTEGER NOT NULL,
    the_c INTEGER NOT NULL,
    the_z INTEGER NOT NULL,
    the_t INTEGER NOT NULL,
    original_file_id INTEGER NOT NULL,
    series INTEGER NOT NULL,
    plane INTEGER NOT NULL,
    CONSTRAINT pk_plane_location PRIMARY KEY (image_id, the_c, the_z, the_t),
    CONSTRAINT fk_plane_location_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE,
    CONSTRAINT fk_plane_location_original_file_id FOREIGN KEY(original_file_id) REFERENCES original_file (id)
)
 WITHOUT ROWID
-- next
CREATE INDEX ix_plane_location_original_file_id ON plane_location (original_file_id)
-- next
CREATE TABLE sighting (
    directory_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    disposition VARCHAR(9) NOT NULL,
    reason_id INTEGER,
    rule VARCHAR,
    configuration_id INTEGER,
    fileset_id INTEGER,
    original_file_id INTEGER,
    missing_since DATETIME,
    group_id INTEGER,
    captured VARCHAR,
    verified_at DATETIME,
    damaged_since DATETIME,
    CONSTRAINT pk_sighting PRIMARY KEY (directory_id, name),
    CONSTRAINT ck_sighting_disposition CHECK (disposition IN ('ignored', 'skipped', 'unmatched', 'held', 'member')),
    CONSTRAINT fk_sighting_directory_id FOREIGN KEY(directory_id) REFERENCES directory (id),
    CONSTRAINT fk_sighting_reason_id FOREIGN KEY(reason_id) REFERENCES reason (id),
    CONSTRAINT fk_sighting_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT fk_sighting_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_sighting_original_file_id FOREIGN KEY(original_file_id) REFERENCES original_file (id),
    CONSTRAINT fk_sighting_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
 WITHOUT ROWID
-- next
CREATE INDEX ix_sighting_damaged ON sighting (damaged_since) WHERE damaged_since IS NOT NULL
-- next
CREATE INDEX ix_sighting_fileset_id_captured ON sighting (fileset_id, captured)
-- next
CREATE INDEX ix_sighting_gone ON sighting (original_file_id) WHERE missing_since IS NOT NULL
-- next
CREATE INDEX ix_sighting_move ON sighting (inode, size_bytes)
-- next
CREATE INDEX ix_sighting_original_file_id ON sighting (original_file_id)
-- next
CREATE TABLE thumbnail (
    image_id INTEGER NOT NULL,
    media_type VARCHAR(32),
    width_px INTEGER,
    height_px INTEGER,
    data BLOB,
    failure VARCHAR,
    made_at DATETIME NOT NULL,
    CONSTRAINT pk_thumbnail PRIMARY KEY (image_id),
    CONSTRAINT ck_thumbnail_data_or_failure CHECK ((data IS NULL) <> (failure IS NULL)),
    CONSTRAINT fk_thumbnail_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
-- next
CREATE TABLE well_sample (
    image_id INTEGER NOT NULL,
    plate_id INTEGER NOT NULL,
    well_id INTEGER NOT NULL,
    plate_acquisition_id INTEGER NOT NULL,
    field INTEGER NOT NULL,
    tile INTEGER DEFAULT '0' NOT NULL,
    group_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_well_sample PRIMARY KEY (image_id),
    CONSTRAINT fk_well_sample_well_id_plate_id FOREIGN KEY(well_id, plate_id) REFERENCES well (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_well_sample_plate_acquisition_id_plate_id FOREIGN KEY(plate_acquisition_id, plate_id) REFERENCES plate_acquisition (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_well_sample_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_well_sample_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_well_sample_plate_acquisition_id_well_id_field_tile UNIQUE (plate_acquisition_id, well_id, field, tile),
    CONSTRAINT ck_well_sample_zero_based CHECK (field >= 0),
    CONSTRAINT fk_well_sample_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_well_sample_count ON well_sample (group_id, plate_id)
-- next
CREATE INDEX ix_well_sample_plate_id ON well_sample (plate_id, well_id)
-- next
CREATE TABLE held_set (
    directory_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    root_id INTEGER NOT NULL,
    names JSON NOT NULL,
    is_mutual BOOLEAN NOT NULL,
    CONSTRAINT pk_held_set PRIMARY KEY (directory_id, name),
    CONSTRAINT fk_held_set_directory_id_name FOREIGN KEY(directory_id, name) REFERENCES sighting (directory_id, name) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT fk_held_set_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE INDEX ix_held_set_root_id ON held_set (root_id)
-- next
CREATE TABLE stored_copy (
    directory_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    hasher VARCHAR(16) NOT NULL,
    hash VARCHAR(128) NOT NULL,
    size_bytes INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    CONSTRAINT pk_stored_copy PRIMARY KEY (directory_id, name, hasher),
    CONSTRAINT fk_stored_copy_directory_id_name FOREIGN KEY(directory_id, name) REFERENCES sighting (directory_id, name) ON DELETE CASCADE ON UPDATE CASCADE
)
-- next
CREATE INDEX ix_stored_copy_content ON stored_copy (size_bytes, fingerprint)
-- next
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
-- next
CREATE TRIGGER event_never_goes BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
