; Windows setup.exe of QANA Desktop, made by build_setup.py:
;   makensis -DVERSION=0.1.0 -DPAYLOAD=<frozen folder> -DICON=<.ico> -DSIZE_KB=<size> -DOUT=<setup.exe> qana-desktop.nsi
;
; Default: for this user, without administrator's rights. /AllUsers installs for the machine.
; /S is silent, for setup and for the uninstaller; /D=C:\folder (last, without quotes) chooses the folder.
; An older copy is replaced in place. A copy that runs is not touched: setup stops with exit code 3.
; Cases, settings and logs (%LOCALAPPDATA%\qana-desktop) are never touched, not by the uninstaller either.

Unicode true
ManifestDPIAware true
SetCompressor /SOLID lzma

!define NAME "QANA Desktop"
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\qana-desktop"
!define WINDOW "qana-desktop-window.exe"
!define CLI "qana-desktop-cli.exe"

!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_INSTALLMODE_INSTDIR "QANA Desktop"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "${KEY}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "InstallLocation"
!define MULTIUSER_USE_PROGRAMFILES64
!include MultiUser.nsh
!include MUI2.nsh
!include x64.nsh
!include WinVer.nsh

Name "${NAME} ${VERSION}"
OutFile "${OUT}"
BrandingText "Research use, not a medical device"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Setup of ${NAME}"
VIAddVersionKey "LegalCopyright" "The QANA Desktop project, Apache-2.0"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\${WINDOW}"
!insertmacro MUI_PAGE_LICENSE "${PAYLOAD}\licenses\QANA-DESKTOP.txt"
!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; A program that runs cannot be opened for writing. Both are asked; the folder may be empty.
!macro StopIfRunning PROGRAM
  ${If} ${FileExists} "$INSTDIR\${PROGRAM}"
    ClearErrors
    FileOpen $0 "$INSTDIR\${PROGRAM}" a
    ${If} ${Errors}
      MessageBox MB_OK|MB_ICONEXCLAMATION "${NAME} is running, or its folder may not be written to. Close it, then start this again. Nothing was changed." /SD IDOK
      SetErrorLevel 3
      Quit
    ${EndIf}
    FileClose $0
  ${EndIf}
!macroend

; Only what setup put there: a folder that somebody chose with /D may hold files of their own.
!macro RemoveProgram
  RMDir /r "$INSTDIR\_internal"
  RMDir /r "$INSTDIR\licenses"
  Delete "$INSTDIR\sbom.cdx.json"
  Delete "$INSTDIR\${WINDOW}"
  Delete "$INSTDIR\${CLI}"
!macroend

Function .onInit
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
    MessageBox MB_OK|MB_ICONSTOP "${NAME} needs Windows 10 or later on a 64-bit processor." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  SetRegView 64
  !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
  SetRegView 64
  !insertmacro MULTIUSER_UNINIT
FunctionEnd

Section "-program"
  !insertmacro StopIfRunning "${WINDOW}"
  !insertmacro StopIfRunning "${CLI}"
  !insertmacro RemoveProgram
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}\*.*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${WINDOW}"
  WriteRegStr SHCTX "${KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${KEY}" "DisplayIcon" "$INSTDIR\${WINDOW}"
  WriteRegStr SHCTX "${KEY}" "Publisher" "The QANA Desktop project"
  WriteRegStr SHCTX "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
  WriteRegDWORD SHCTX "${KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD SHCTX "${KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${KEY}" "NoRepair" 1
  ; "Open with" for images; nobody's default is changed.
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\shell\open\command" "" '"$INSTDIR\${WINDOW}" "%1"'
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}" "FriendlyAppName" "${NAME}"
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".jpg" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".jpeg" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".png" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".tif" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".bmp" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".webp" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${WINDOW}\SupportedTypes" ".dcm" ""
SectionEnd

Section "Uninstall"
  !insertmacro StopIfRunning "${WINDOW}"
  !insertmacro StopIfRunning "${CLI}"
  !insertmacro RemoveProgram
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\${NAME}.lnk"
  DeleteRegKey SHCTX "Software\Classes\Applications\${WINDOW}"
  DeleteRegKey SHCTX "${KEY}"
SectionEnd
