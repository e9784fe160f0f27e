{{- define "oss-uploads.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "oss-uploads.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "oss-uploads.labels" -}}
{{ include "oss-uploads.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "oss-uploads.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "oss-uploads.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- /* What the pods of the site, of a migration and of the sweep have in common. */ -}}
{{- define "oss-uploads.pod" -}}
serviceAccountName: {{ include "oss-uploads.serviceAccount" . }}
# RRSA has a token of its own; nothing here asks the API server of Kubernetes.
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 256Mi
  {{- with .Values.webhooks.existingSecret }}
  - name: webhooks
    secret:
      secretName: {{ . }}
      defaultMode: 0440
  {{- end }}
{{- end -}}

{{- /* The Job of this revision migrates; the old pods serve meanwhile. */ -}}
{{- define "oss-uploads.waitForMigration" -}}
- name: wait-for-migration
  {{- include "oss-uploads.container" . | nindent 2 }}
  command: [sh, -c, "until python -m django migrate --check --verbosity 0; do sleep 3; done"]
  resources: {{- toYaml .Values.sweep.resources | nindent 4 }}
{{- end -}}

{{- define "oss-uploads.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if .Values.webhooks.existingSecret }}
  - name: webhooks
    mountPath: /run/webhooks
    readOnly: true
  {{- end }}
envFrom:
  - secretRef:
      name: {{ .Values.existingSecret }}
env:
  {{- $defaults := dict "DJANGO_ALLOWED_HOSTS" .Values.host "UPLOADS_ORIGINS" (printf "https://%s" .Values.host) "WEB_CONCURRENCY" (toString .Values.processes) }}
  {{- if .Values.webhooks.existingSecret }}
  {{- $_ := set $defaults "UPLOADS_WEBHOOKS_FILE" "/run/webhooks/webhooks.json" }}
  {{- end }}
  {{- range $name, $value := merge (dict) .Values.env $defaults }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end -}}
