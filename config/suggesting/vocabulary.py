"""Words that people and instruments use in the names of folders and files, as far as a first guess needs them.

A word that is missing here costs a guess, never a file: what is proposed is shown, with what was assumed.
"""

import re
from enum import StrEnum


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Role(StrEnum):
    """What an element of a name says; the values are placeholders of the rule language."""

    WELL = "well"
    WELL_NUMBER = "well number"
    FIELD = "field"
    CHANNEL = "channel"
    Z = "z"
    T = "t"
    #: A text without meaning that differs from file to file.
    GUID = "guid"


#: Letters and words before a number, by what the number then counts; German, French, Spanish and Italian ones with it.
PREFIXES = {
    Role.Z: "z zstep zslice zpos slice plane zplane ebene plan",
    Role.T: "t tp tl time timepoint timepoints frame zeitpunkt zeit temps",
    Role.CHANNEL: "c ch chan channel w wave wavelength wv kanal canal canale",
    Role.FIELD: "s f p sp xy pos position site field fov fld feld champ campo",
}

#: Stains, filters and contrast methods: channels that are words. Compared without case.
CHANNEL_WORDS = _words(
    """
    dapi hoechst gfp egfp yfp eyfp cfp ecfp bfp rfp tagrfp mcherry tdtomato mscarlet mkate cherry venus citrine cy2
    cy3 cy3.5 cy5 cy5.5 cy7 fitc tritc txred texasred alexa488 alexa546 alexa555 alexa568 alexa594 alexa633 alexa647
    af405 af488 af546 af555 af568 af594 af633 af647 atto488 atto565 atto647n sir-dna sir fura draq5 to-pro bf
    brightfield bright-field bright hellfeld durchlicht trans transmitted tl dic phase ph pc phasecontrast
    phasenkontrast contraste 405 445 488 514 532 555 561 594 633 640 647 405nm 488nm 561nm 640nm 647nm red green
    blue rot grün gruen blau rouge vert bleu
    """
)

#: Folders that only hold what the people's own folders could hold: they say nothing about whose or which.
CONTAINER_WORDS = _words(
    """
    images image img imgs pictures pics photos bilder bild daten rohdaten rohbilder aufnahmen messungen donnees
    données brutes orig imagenes imágenes dati data rawdata raw_data raw-data raw original originals originaldaten
    tif tiff tiffs tifs imaging microscopy mikroskopie microscopie microscope mikroskop acquisition acquisitions
    acquired export exports exported home homes users user benutzer nutzer utilisateurs usuarios people personen groups
    gruppen groupes labs projects projekte projets experiments experimente expériences experiences datasets
    processed verarbeitet projection projections projektion projektionen
    画像 データ 画像データ 生データ 実験 実験データ 撮影 撮影データ 图像 数据
    """
)

#: Instruments and methods by which facilities sort at the top.
MICROSCOPE = re.compile(
    r"(?:confocal|konfokal|confocale|widefield|weitfeld|spinning.?dis[ck]|sd|lightsheet|light.?sheet|lichtblatt|spim|"
    r"tirf|sted|storm|palm|2p|two.?photon|multiphoton|slide.?scanner|scanner|epi(?:fluorescence)?|axio[a-z]+|zeiss|leica|"
    r"nikon|olympus|evident|evos|lsm.?\d*|sp[58]|stellaris.?\d*|ti2?|fv.?\d+|dmi.?\d+|celldiscoverer.?\d*|cd7|operetta|"
    r"phenix|opera|imagexpress|ixm|yokogawa|cv[78]000|cellomics|arrayscan|scanr|incucyte|microscope.?\d+|mikroskop.?\d+|"
    r"scope.?\d+|"
    r"(?:共焦点|蛍光|実体|多光子|二光子)(?:レーザー)?(?:顕微鏡)?\d*|"
    r"顕微鏡.?\d*|ライトシート)",
    re.IGNORECASE,
)

#: Kinds of work by which facilities sort beside instruments: alone they say nothing.
KIND_OF_WORK = re.compile(r"screens?|screening|hcs|live.?cell|histology|histologie", re.IGNORECASE)

#: Names of groups.
GROUP_NAME = re.compile(
    r"(?:^|[\W_])(?:lab|labs|laboratory|labor|laboratoire|group|grp|groupe|gruppe|arbeitsgruppe|ag|team|équipe|equipe|"
    r"unit|dept|department|abteilung|institut\w*|core|facility|collab\w*)(?:$|[\W_])|"
    r"^ag[-_ ]?[A-ZÄÖÜ]\w+|\wlab$|\wgroup$|\w(?:研|研究室|教室|講座|グループ)$",
    re.IGNORECASE,
)

#: Words of experiments: a folder called so is no person. Compared by the letters at its beginning.
WORK_WORDS = _words(
    """
    example examples data docs doc src exp experiment experiments versuch essai manip test tests run trial day tag
    jour woche week month sample samples probe probes echantillon slide slides objektträger plate plates platte
    plaque well screen assay pilot control controls ctrl kontrolle témoin treated untreated wt wildtype wild mutant
    ko kd rescue mock dmso drug dose time timelapse timecourse movie film stack series serie zstack overview
    übersicht tile tiles mosaic stitched pos position region roi area scan cell cells zelle zellen cellule cellules
    tissue gewebe tissu section schnitt coupe organoid organoids spheroid embryo embryos larva larvae fish zebrafish
    zebrabärbling mouse mice maus mäuse souris rat rats fly flies drosophila worm worms celegans yeast hefe levure
    bacteria ecoli plant plants root roots leaf leaves arabidopsis hela u2os hek cos7 cho mef mefs ips ipsc neuron
    neurons neuronen neurone brain gehirn cerveau heart herz coeur kidney niere rein liver leber foie lung lunge
    poumon muscle muskel skin haut bone gut intestine retina spleen breast brust colon prostate pancreas ovary thymus
    cortex hippocampus tumor tumour cancer mitosis mitose meiosis
    apoptosis migration invasion wound wundheilung scratch healing cycle division nucleus nuclei kern noyau actin
    aktin tubulin microtubule mitochondria golgi lysosome membrane vesicle vesicles endosome centrosome spindle
    chromosome dna rna protein antibody antikörper staining färbung marquage if ihc fish frap fret flim bead beads
    psf calibration kalibrierung misc temp tmp old alt new neu backup archive archiv shared gemeinsam transfer
    tutorial demo training sirna shrna crispr rnai library compound compounds hit hits replicate rep batch project
    projekt projet study studie paper figure figures fig revision analysis analyse results ergebnisse résultats
    output fluo tseries zseries linescan singleimage scan2p raster layers layersdata
    """
)

#: Given names that often stand on folders: enough of them to know a folder of people when one is seen.
GIVEN_NAMES = _words(
    """
    ada adam adrian agnes alan albert alejandro alex alexander alexandra alice alina amelie amy ana andre andrea
    andreas andrew angela anita anja ann anna anne annika anton antonia antonio arthur astrid aya barbara bastian
    beatrice ben benjamin bernd bettina bianca birgit bob brigitte camille carla carlos carmen carol caroline
    catherine cecile celine charles charlotte chen chiara chloe chris christian christina christine christoph claire
    clara claudia claudio clemens constantin cora daniel daniela david deborah denis diana diego dieter dirk dominik
    dorothea eduardo elena eleni elias elif elisabeth elise elizabeth ella else emil emily emma erik erika ernst
    esther eva fabian fatima felix florian francesca francesco frank frederic fritz gabriel gabriele george georg
    gerd giulia grace greta guillaume hana hannah hans harald heike heinz helen helena helene henri hiroshi hugo
    ines inga ingrid isabel isabelle ivan jack jacob jacques jakob james jan jana jane jean jennifer jens jessica
    joan joana joao johann johanna johannes john jonas jorge jose joseph juan judith julia julian julie julien jun
    jürgen karen karin karl kate katharina katja katrin kenji kevin kim klara klaus kristina lara lars laura laurent
    lea lena leo leon leonie lin lina linda lisa li liu lorenzo louis louise luca lucas lucia lucie luis luisa lukas
    lydia manuel marc marco marcus margaret maria marie marina mario marion mark markus marta martha martin martina
    mary mathieu matthias max maximilian maya mei melanie mia michael michel michelle miguel mila miriam mohamed
    monica monika moritz nadia nadine natalia nathalie nico nicola nicolas nils nina noah nora olaf oleg olga oliver
    olivia oscar otto pablo paola patricia patrick paul paula pauline pedro peter petra philip philipp pierre rachel
    rafael ralf raphael rebecca richard rita robert roberto roland rolf rosa ruth sabine sam samuel sandra sara
    sarah sebastian silvia simon simone sofia sonja sophia sophie stefan stefanie stephan stephen steven susan
    susanne svenja sven tanja theo theresa thomas thorsten tim timo tina tobias tom tomas ulrich ulrike ursula
    valentin valentina vanessa vera verena veronika victor victoria viktor vincent wei werner will william wolfgang
    xavier xin yan yang ying yasmin yuki yusuf yves zhang zoe
    """
)

#: Family names that often stand on folders, alone or behind an initial (`amueller`), as people are and as they are
#: written in Latin letters.
FAMILY_NAMES = _words(
    """
    müller mueller schmidt schneider fischer weber meyer meier maier wagner becker schulz hoffmann schäfer schaefer
    bauer klein schröder schroeder neumann schwarz zimmermann krüger krueger hartmann lange werner krause lehmann schmid
    schulze köhler koehler maurer huber gruber steiner vogel friedrich keller günther guenther winkler lorenz baumann
    smith jones taylor brown williams johnson davies evans wilson thomas roberts walker wright robinson thompson green
    hughes edwards hall clarke jackson miller davis anderson moore doe clark lewis young allen king baker nelson carter
    garcia martinez rodriguez lopez gonzalez hernandez perez sanchez ramirez torres fernandez silva santos oliveira
    souza pereira costa ferreira rossi russo ferrari esposito bianchi romano colombo ricci dubois durand lefebvre leroy
    moreau laurent girard bonnet rousseau lambert jansen devries bakker visser nielsen hansen jensen andersson johansson
    karlsson nilsson larsson novak kowalski nowak ivanov petrov smirnov kim lee park choi jung kang cho yoon wang zhang
    liu chen yang huang zhao zhou sun zhu hu guo lin luo zheng wong chan nguyen tran pham singh kumar sharma gupta patel
    shah khan ahmed sato suzuki takahashi tanaka ito watanabe yamamoto nakamura kobayashi kato yoshida yamada sasaki
    yamaguchi matsumoto inoue kimura hayashi saito shimizu yamazaki mori ikeda hashimoto abe ishikawa ogawa maeda okada
    hasegawa fujita goto kondo murakami endo aoki sakamoto fukuda ota nishimura fujii kaneko okamoto
    佐藤 鈴木 高橋 田中 伊藤 渡辺 渡邉 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 斎藤 斉藤 清水 山崎 池田
    橋本 阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 福田 太田 西村 藤井 金子 岡本
    藤原 三浦 中野 原田 松田 竹内 小野 田村 中山 和田 石田 森田 上田 原 林 森 王 李 张 刘 陈 杨 黄 赵 周 吴
    """
)

#: What programs write beside images, by the end of a file's name: (a text for the rule, what it is).
BY_PRODUCT_NAMES = (
    ("_thumb", "thumbnails"),
    ("_thumbnail", "thumbnails"),
    ("_preview", "previews"),
    ("_mask", "masks"),
    ("_masks", "masks"),
    ("_cp_masks", "masks"),
    ("_seg", "segmentations"),
    ("_segmentation", "segmentations"),
    ("_outlines", "outlines"),
    ("_outline", "outlines"),
    ("_labels", "labels"),
    ("_overlay", "overlays"),
    ("_probabilities", "probability maps"),
    ("_simple segmentation", "segmentations"),
    ("_object predictions", "segmentations"),
    ("_object identities", "segmentations"),
    ("_flows", "segmentations"),
)
#: Formats of whole slides: they lie on no plate, whatever their names say (`H22-00101_A1_HE.svs` is a block of tissue).
SLIDE_ENDINGS = _words("svs ndpi scn qptiff mrxs vms vmu bif svslide isyntax")
#: And by a folder's name.
BY_PRODUCT_FOLDERS = {
    "thumbs": "thumbnails",
    "thumbnail": "thumbnails",
    "thumbnails": "thumbnails",
    "vorschau": "previews",
    "preview": "previews",
    "previews": "previews",
    "mask": "masks",
    "masks": "masks",
    "masken": "masks",
    "masques": "masks",
    "outlines": "outlines",
    "overlays": "overlays",
    "segmentation": "segmentations",
    "segmentations": "segmentations",
    "illumination": "illumination corrections",
    "flatfield": "illumination corrections",
    "shadingcorrection": "illumination corrections",
}
